from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tidebook.web.rendering import script_json

if TYPE_CHECKING:
    from tidebook.web.charts import Readout


def test_data_in_a_script_cannot_close_it() -> None:
    readout: Readout = {
        "start": "</script><!--&'",
        "span": 1,
        "low": 0.0,
        "high": 1.0,
        "floor": -0.01,
        "offsets": [0],
        "value": ["1.00"],
        "contributed": ["1.00"],
        "drawdown": [None],
    }
    written = script_json(readout)
    assert not set(written) & set("<>&'")
    assert json.loads(written) == readout
