#!/usr/bin/env bash
# Installs the programs that some tests talk to, on Debian and what descends from it: qemu, nbdkit's tools, fio, e2fsprogs,
# Chromium, a machine of qemu's, SQLite, shells, groff, systemd's tools.
# Without them these tests are left out. With BLOCKYARD_REQUIRE_TOOLS=1 they fail instead.
set -euo pipefail

readonly PACKAGES=(
  qemu-utils nbdkit libnbd-bin python3-libnbd fio e2fsprogs chromium qemu-system-x86 zsh fish groff-base systemd sqlite3 curl
)

if ! command -v apt-get > /dev/null; then
  echo 'install-test-tools: there is no apt-get here' >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo 'install-test-tools: only root can install packages' >&2
  exit 1
fi
if dpkg --status "${PACKAGES[@]}" > /dev/null 2>&1; then
  echo "install-test-tools: ${PACKAGES[*]} are there"
  exit 0
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2
apt-get install --quiet=2 --yes --no-install-recommends "${PACKAGES[@]}" > /dev/null
echo "install-test-tools: installed ${PACKAGES[*]}"
