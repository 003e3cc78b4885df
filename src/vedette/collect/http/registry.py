"""The front doors that there are."""

from __future__ import annotations

from vedette.collect.http.data_collector import DataCollector
from vedette.collect.http.door import Door
from vedette.collect.http.elastic_bulk import ElasticBulk
from vedette.collect.http.logs_ingestion import LogsIngestion
from vedette.collect.http.otlp_logs import OtlpLogs
from vedette.collect.http.plain_json import PlainJson
from vedette.collect.http.splunk_hec import SplunkHec
from vedette.collect.http.threat_intelligence import ThreatIntelligence


def doors() -> tuple[Door, ...]:
    """Every door."""
    return (PlainJson(), LogsIngestion(), DataCollector(), SplunkHec(), ElasticBulk(), OtlpLogs(), ThreatIntelligence())
