#!/usr/bin/env bash
# Kills the MNIST example at random moments, again and again, and expects the result of an uninterrupted run:
#   kill_and_resume.sh PROGRAM FOLDER_OF_MNIST FOLDER_TO_WORK_IN
set -euo pipefail
program=$1 mnist=$2 work=$3
rm -rf "$work"
mkdir -p "$work"
cd "$work"
fail() { echo "$*" >&2; exit 1; }

# The first images of a set; the count is in bytes 4 to 7 of a file, its highest byte first.
first() { # set, images
  for kind in "images-idx3-ubyte 16 784" "labels-idx1-ubyte 8 1"; do
    read -r name header each <<< "$kind"
    gzip -dc "$mnist/$1-$name.gz" > whole
    { head -c 4 whole
      printf "\\x00\\x00\\x$(printf %02x $(($2 / 256)))\\x$(printf %02x $(($2 % 256)))"
      tail -c +9 whole | head -c $((header - 8 + $2 * each)) || true
    } > "$1-$name"
  done
}
first train 120
first t10k 50
rm whole

epochs=100
train() { # name: 3000 steps, with a checkpoint after every 250
  exec "$program" --data . --epochs $epochs --batch 4 --learning-rate 0.01 --threads 1 --png "$1.png" \
    --checkpoint "$1.checkpoint"
}
(train whole) > whole.txt

# Longer and longer pauses, so that a slow machine also reaches the next checkpoint.
kills=0
for ((limit = 100; ; limit += limit / 8)); do
  (train killed) >> killed.txt &
  pause=$((RANDOM % limit))
  sleep "$((pause / 1000)).$(printf %03d $((pause % 1000)))"
  kill -KILL $! 2> /dev/null || true
  code=0
  wait $! 2> /dev/null || code=$?
  [ $code -eq 0 ] && break
  [ $code -eq 137 ] || fail "expected an end by SIGKILL, found code $code"
  kills=$((kills + 1))
done
resumed=$(grep -c "^resumed" killed.txt) || true
echo "$kills kills, $resumed times resumed"
[ "$resumed" -ge 2 ] || fail "expected to resume more than once"

# The times of epochs come last in a checkpoint, and in a line of the table.
state() { head -c -$((8 * (epochs + 1))) "$1.checkpoint"; }
cmp <(state whole) <(state killed) || fail "expected the same state at the end"
cmp whole.png killed.png
end() { sed -n "s/^ *$epochs\/$epochs \(.*%\) .*/\1/p; /^accuracy/p" "$1.txt" | tail -2; }
[ "$(end whole | wc -l)" -eq 2 ] || fail "expected the last epoch and an accuracy, found $(end whole)"
[ "$(end whole)" = "$(end killed)" ] || fail "expected $(end whole), found $(end killed)"
left=$(find . -name "killed.checkpoint*" | wc -l)
[ "$left" -eq 1 ] || fail "expected one file, found $left"
