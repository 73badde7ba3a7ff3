import pytest

from tidebook.engine.topics import PARTITIONS, murmur2, partition

# Apache Kafka, clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java, testMurmur2.
_KAFKA = {
    "21": -973932308,
    "foobar": -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    "abc": 479470107,
}


@pytest.mark.parametrize(("text", "hashed"), _KAFKA.items())
def test_murmur2_answers_as_kafkas_clients_do(text: str, hashed: int) -> None:
    assert murmur2(text.encode()) == hashed % 2**32


def test_a_key_lies_where_the_default_partitioner_of_kafka_puts_it() -> None:
    # toPositive(murmur2(key)) % partitions: -973932308 & 0x7fffffff = 1173551340, and 12 of 16.
    assert PARTITIONS == 16
    assert partition("21") == 1173551340 % 16
    assert partition("abc") == 479470107 % 16
