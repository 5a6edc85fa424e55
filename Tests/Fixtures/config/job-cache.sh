#!/bin/bash
#SBATCH --job-name=saeline-cache:mine
#SBATCH --array=1-4
#SBATCH --output=/team/sa%%es/.jobs/%x-%A_%a.log
#SBATCH --open-mode=append
#SBATCH --partition=long
#SBATCH --account=lab
#SBATCH --constraint="[a|b]"
#SBATCH --time=4:00:00
#SBATCH --mem=16G
#SBATCH --cpus-per-task=8
#SBATCH --requeue
#SBATCH --signal=B:USR1@120
#SBATCH --gres=tmpfs:10G

# Any worker may be stopped at any time: what it began, it or another one continues.
worker= stopped=
stop() {
  stopped=1
  [ -z "$worker" ] || kill -TERM "$worker" 2>/dev/null
}
trap stop USR1 TERM INT HUP
echo "$(date '+%F %T') ${SLURMD_NODENAME:-$(hostname)}: start ${SLURM_RESTART_COUNT:-0}" >&2

set -e
module load openblas
set +e

code=130
if [ -z "$stopped" ]; then
  'bin dir/saeline-cache' --config mine.json5 --set 'cache.model_name=it'\''s' &
  worker=$!
  [ -z "$stopped" ] || stop
  # A signal ends the first wait; the last one knows the code.
  wait "$worker"
  while kill -0 "$worker" 2>/dev/null; do wait "$worker"; done
  wait "$worker"
  code=$?
fi

# 130: interrupted, and more to do. Above 128 otherwise: killed, maybe by the signal that it was to save at.
again=
[ "$code" = 130 ] && again=1
[ "$code" -gt 128 ] && [ -n "$stopped" ] && again=1
[ "$code" -gt 128 ] && [ "${SLURM_RESTART_COUNT:-0}" -lt 3 ] && again=1
if [ -n "$again" ]; then
  job=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
  for pause in 1 5 15 60; do
    state=$(squeue -h -j "$job" -o %T) && break
    sleep "$pause"
  done
  # Not where it was cancelled, or goes back already.
  if [ "$state" = RUNNING ] || [ "$state" = SIGNALING ]; then
    echo "$(date '+%F %T') $(hostname): ended with $code, back into the queue" >&2
    scontrol requeue "$job"
  fi
fi
exit "$code"
