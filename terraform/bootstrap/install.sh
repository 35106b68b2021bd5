#!/bin/bash
# EMR bootstrap action, run on every node before Spark starts. It installs numpy and pyarrow for the
# steps' Python, from wheels in the artifacts bucket and only if their hashes match; installs
# OpenBLAS for MLlib; and sets an age after which the logs of steps and containers are deleted from the node.
#
# Usage: install.sh s3://<artifacts bucket>/bootstrap/wheels/
# Terraform uploads those wheels and their hashed requirements.txt (var.wheels_directory).
set -euo pipefail

wheels_url=$1
python=${MARQUEE_PYTHON:-/usr/bin/python3.13}
library_directory=${MARQUEE_LIBRARY_DIRECTORY:-/usr/lib64}
tmpfiles_directory=${MARQUEE_TMPFILES_DIRECTORY:-/etc/tmpfiles.d}
log_days=14

wheels=$(mktemp -d)
trap 'rm -rf "$wheels"' EXIT

install_python_packages() {
  aws s3 cp --recursive --only-show-errors "$wheels_url" "$wheels"
  if [[ ! -f $wheels/requirements.txt ]]; then
    echo "No requirements.txt under $wheels_url: the wheels were not uploaded; deploy again with wheels_directory set." >&2
    exit 1
  fi
  "$python" -m pip --version >/dev/null 2>&1 || sudo dnf install --assumeyes --quiet python3.13-pip
  sudo "$python" -m pip install --no-index --find-links "$wheels" \
    --require-hashes --requirement "$wheels/requirements.txt"
}

# MLlib loads libblas.so.3 and liblapack.so.3 by name; Amazon Linux's OpenBLAS library has a
# different name.
link_blas() {
  local openblas name
  openblas=$(find "$library_directory" -maxdepth 1 -name 'libopenblas*.so.0' | sort | head -n 1)
  [[ -n $openblas ]] || return 1
  for name in libblas.so.3 liblapack.so.3; do
    [[ -e $library_directory/$name ]] || sudo ln -s "$openblas" "$library_directory/$name"
  done
}

# EMR copies these logs to the log URI every five minutes; on a long-lived node they would fill the
# disk. systemd applies this list once a day (tmpfiles.d(5): "e" is a folder that may exist).
delete_old_logs() {
  printf 'e %s - - - %sd\n' \
    /mnt/var/log/hadoop/steps "$log_days" \
    /mnt/var/log/hadoop-yarn/containers "$log_days" \
    | sudo tee "$tmpfiles_directory/marquee-logs.conf" >/dev/null
}

install_python_packages

# Without OpenBLAS training is slower but correct, so the cluster starts anyway.
if ! { sudo dnf install --assumeyes --quiet openblas && link_blas; }; then
  echo "OpenBLAS is not installed: MLlib uses its plain Java routines, about half as fast." >&2
fi

if ! delete_old_logs; then
  echo "Old step logs will not be deleted from this node: watch its disk." >&2
fi

# A node that cannot run the steps must not join: EMR then ends the cluster and says why.
if ! "$python" -c 'import numpy, pyarrow'; then
  echo "$python cannot import numpy and pyarrow, which the steps need: their wheels do not fit this node." >&2
  exit 1
fi
