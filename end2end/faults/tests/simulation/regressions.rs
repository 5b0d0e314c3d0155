//! Seeds that once broke a promise, each by the name of what was wrong.

use super::simulate;

/// Somebody left, lost one of two properties, and came back: their payload was as before, so that nothing was sent.
#[test]
fn seed_1163_who_came_back_while_their_properties_were_being_removed_got_none() {
    simulate(1163..1164);
}

/// A run was given up after three recoveries within a second. Its batches were still being worked through, and brought old
/// values back after the next run had sent newer ones.
#[test]
fn seed_429_a_run_that_was_given_up_in_a_hurry_left_batches_open() {
    simulate(429..430);
}

/// A batch was taken without an answer; its repetition was refused a row. The row counted as refused, its contact had its
/// properties all the same, and kept them when they left.
#[test]
fn seed_6528_who_was_refused_after_an_answer_was_lost_kept_their_properties() {
    simulate(6528..6529);
}

/// A batch was taken without an answer, its repetition stopped half way, and the run was cancelled before the rest was sent
/// again: the rest counted as not sent, and kept its properties.
#[test]
fn seed_194445_who_was_not_sent_again_after_an_answer_was_lost_kept_their_properties() {
    simulate(194_445..194_446);
}

/// A batch stopped half way, and was worked through a second time after the run had been cancelled, before the rest was sent
/// again: the rest counted as not sent, and kept its properties.
#[test]
fn seed_282530_who_came_back_untaken_and_was_taken_later_kept_their_properties() {
    simulate(282_530..282_531);
}

/// The clock was set ahead by an hour around a cancelled run: the next one took its batches for old and did not wait for
/// them, and they brought old values back.
#[test]
fn seed_304490_what_a_cancelled_run_left_looked_old_by_a_clock_that_was_set_ahead() {
    simulate(304_490..304_491);
}

/// The clock was set ahead by a day and back before anybody looked: what a run asks its batches for had been put off by a day
/// meanwhile.
#[test]
fn seed_471263_a_run_waited_for_an_instant_of_a_clock_that_was_ahead_for_a_moment() {
    simulate(471_263..471_264);
    simulate(696_305..696_306);
}
