#!/bin/sh
# control_characters.sh MLP_PREDICT: text from a model's file reaches a terminal without control characters, neither
# ASCII's nor the single-character escape (U+009B), in information, predictions and errors.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# A safetensors file of one Dense layer whose weights are 0: the length of the header in 2 of 8 bytes, and the header.
write_model() {
  header="{\"__metadata__\":{\"mlp.version\":\"1\",\"mlp.architecture\":\"Mlp(MeanSquaredError, Dense(1, 1))\",$1},\
\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},\
\"0.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"
  size=$(printf '%s' "$header" | wc -c)
  printf "\\$(printf '%03o' $((size % 256)))\\$(printf '%03o' $((size / 256)))\\0\\0\\0\\0\\0\\0" >"$folder/model.safetensors"
  printf '%s\0\0\0\0\0\0\0\0' "$header" >>"$folder/model.safetensors"
}

check() {
  if LC_ALL=C tr -d '\n' <"$folder/output" | LC_ALL=C grep -q "[$(printf '\001-\037\177\233')]"; then
    echo "$1: expected no control characters, found:" && od -c "$folder/output" && exit 1
  fi
  grep -q -F "$2" "$folder/output" || { echo "$1: expected $2, found:" && cat "$folder/output" && exit 1; }
}

names='[\"\\u001b[31mred\",\"\\u009b1mbold\"]'
write_model "\"mlp.classes\":\"$names\""
"$1" --info "$folder/model.safetensors" >"$folder/output"
check "--info" "class   ?[31mred"
printf 'x\n1\n' | "$1" "$folder/model.safetensors" >"$folder/output"
check "predictions" "?[31mred"
write_model "\"mlp.classes\":\"\\u001b[31m\""
! "$1" "$folder/model.safetensors" >"$folder/output" 2>&1 || exit 1
check "an error" 'found "?[31m"'
