"""The bus on Apache Kafka, through librdkafka."""

from tidebook.adapters.kafka.bus import KafkaBus

__all__ = ["KafkaBus"]
