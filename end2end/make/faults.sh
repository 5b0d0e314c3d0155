#!/usr/bin/env bash
# Deliveries in a simulated world, kills of the real program, or hours of runs.
#   faults.sh simulation [SEEDS=number] [SEED=first] [PROFILE=release]     one seed when only SEED is given
#   faults.sh kills [KILLS=number] [SEED=number]     by 200, each with the next seed
#   faults.sh soak [MINUTES=number]
#   faults.sh campaign     what `make test` tries a few times, as often as docs/reliability.md promises
. "$(dirname "$0")/lib.sh"
. "$ROOT/end2end/make/postgres.sh"
cd "$ROOT"
load_env

WHAT=${1:-}
SEEDS= SEED= KILLS= MINUTES= PROFILE=
for setting in "${@:2}"; do
    case $setting in
        SEEDS=* | SEED=* | KILLS=* | MINUTES=* | PROFILE=*) declare "$setting" ;;
        *) die "faults.sh knows SEEDS, SEED, KILLS, MINUTES and PROFILE, not '$setting'." ;;
    esac
done

kills() { cargo test --locked --test kills -- --nocapture "$@"; }

case $WHAT in
    simulation)
        [ -n "$SEEDS$SEED" ] || SEEDS=5000
        export FERRY_SEEDS=$SEEDS FERRY_SEED=$SEED
        cargo test --locked --profile="${PROFILE:-test}" --test simulation -- --nocapture
        ;;
    kills)
        trap stop_postgres EXIT
        start_postgres
        cargo build --locked --bin ferry
        left=${KILLS:-200} seed=${SEED:-1}
        while [ "$left" -gt 0 ]; do
            export FERRY_KILLS=$((left < 200 ? left : 200)) FERRY_KILL_SEED=$seed
            kills
            left=$((left - 200)) seed=$((seed + 1))
        done
        ;;
    soak)
        cargo build --locked --bin ferry
        export FERRY_SOAK_MINUTES=${MINUTES:-120}
        kills r50
        ;;
    campaign)
        trap stop_postgres EXIT
        start_postgres
        export FERRY_CAMPAIGN=1
        cargo test --locked --lib -- --nocapture r32_ r33_ r35_ r37_ r38_ r47_
        cargo build --locked --bin ferry
        # R-24: locked 50 times. R-32: 20 runs under a clock that is set.
        FERRY_KILLS=10000 kills r24
        FERRY_KILLS=2000 kills r32
        ;;
    *) die "faults.sh knows 'simulation', 'kills', 'soak' and 'campaign', not '$WHAT'." ;;
esac
