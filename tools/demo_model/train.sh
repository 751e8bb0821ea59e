#!/usr/bin/env bash
# Trains everything and writes the checkpoint: train.sh [RUN_FOLDER]. Can be interrupted and started again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
run=${1:-run}
python=${PYTHON:-python3}
"$python" train_autoencoder.py --run "$run" --minutes 45
"$python" train_unet.py --run "$run" --minutes 90
"$python" train_decoder.py --run "$run" --minutes 12
"$python" export.py --run "$run" --output ../../models/svd_demo.safetensors
