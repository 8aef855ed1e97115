# SPDX-License-Identifier: PostgreSQL
"""Apache Spark in this process, with the jars of tests/clients/java: one session for the whole run."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from rows import Row, from_arrow

kJars = Path("build/clients/java").resolve()


def has_sharing() -> bool:
    """Whether the Maven repository in use had the jars of Delta Sharing."""
    return any(kJars.glob("sharing/*.jar"))


def start(scratch: Path) -> SparkSession:
    builder = SparkSession.builder.master("local[2]").appName("readers")
    for name, value in _settings(scratch).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def rows_of(frame: DataFrame) -> list[Row]:
    return from_arrow(frame.toArrow())


def _settings(scratch: Path) -> dict[str, str]:
    jars = [str(jar) for jar in sorted(kJars.rglob("*.jar"))]
    return {
        "spark.jars": ",".join(jars),
        "spark.driver.extraClassPath": ":".join(jars),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "1g",
        # Quick to start, which is most of what it does here.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "1",
        "spark.databricks.delta.snapshotPartitions": "1",
        # How often a stream asks whether there is a new version; less is refused.
        "spark.delta.sharing.streaming.queryTableVersionIntervalSeconds": "10s",
        # Tables here are small: compiling each query to Java takes longer than running it.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.sql.adaptive.enabled": "false",
    }
