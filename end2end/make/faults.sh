#!/usr/bin/env bash
# Deliveries in a simulated world, or kills of the real program.
#   faults.sh simulation [SEEDS=number] [SEED=first]     one seed when only SEED is given
#   faults.sh kills [KILLS=number] [SEED=number]
. "$(dirname "$0")/lib.sh"
. "$ROOT/end2end/make/postgres.sh"
cd "$ROOT"
load_env

WHAT=${1:-}
SEEDS= SEED= KILLS=
for setting in "${@:2}"; do
    case $setting in
        SEEDS=* | SEED=* | KILLS=*) declare "$setting" ;;
        *) die "faults.sh knows SEEDS, SEED and KILLS, not '$setting'." ;;
    esac
done

case $WHAT in
    simulation)
        [ -n "$SEEDS$SEED" ] || SEEDS=5000
        export FERRY_SEEDS=$SEEDS FERRY_SEED=$SEED
        cargo test --locked --test simulation -- --nocapture
        ;;
    kills)
        trap stop_postgres EXIT
        start_postgres
        export FERRY_KILLS=${KILLS:-200} FERRY_KILL_SEED=${SEED:-1}
        cargo build --locked --bin ferry
        cargo test --locked --test kills -- --nocapture
        ;;
    *) die "faults.sh knows 'simulation' and 'kills', not '$WHAT'." ;;
esac
