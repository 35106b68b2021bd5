"""Check whether MLlib has a native BLAS; without one, it runs plain Java routines."""

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

MISSING = (
    "no native BLAS: MLlib uses its plain Java routines, about half as fast on large data; "
    "install OpenBLAS (libopenblas0-pthread on Debian, openblas on Amazon Linux)"
)


def has_native_blas(spark: SparkSession) -> bool:
    """Return whether the driver has a native BLAS; all nodes of the cluster have the same setup."""
    jvm = spark.sparkContext._jvm
    if jvm is None:
        return False
    try:
        jvm.dev.ludovic.netlib.blas.NativeBLAS.getInstance()
    except Py4JJavaError:
        return False
    return True
