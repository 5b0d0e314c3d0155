//! Sets of tags, as a few bytes beside each address: bit `n` stands for the tag at place `n` of a list.

/// The bytes that a set of so many tags takes; at least one.
pub(super) fn width(tags: usize) -> usize {
    tags.div_ceil(8).max(1)
}

/// Does the set hold the tag?
pub(super) fn has(set: &[u8], tag: usize) -> bool {
    set.get(tag / 8).is_some_and(|byte| byte & (1 << (tag % 8)) != 0)
}

/// Puts the tag into the set.
pub(super) fn put(set: &mut [u8], tag: usize) {
    if let Some(byte) = set.get_mut(tag / 8) {
        *byte |= 1 << (tag % 8);
    }
}

/// Takes the tag out of the set.
pub(super) fn take(set: &mut [u8], tag: usize) {
    if let Some(byte) = set.get_mut(tag / 8) {
        *byte &= !(1 << (tag % 8));
    }
}

/// Is the set empty?
pub(super) fn is_empty(set: &[u8]) -> bool {
    set.iter().all(|byte| *byte == 0)
}

/// Puts all of `more` into the set.
pub(super) fn join(set: &mut [u8], more: &[u8]) {
    set.iter_mut().zip(more).for_each(|(byte, more)| *byte |= more);
}

/// Makes `set` what `all` has and `less` has not.
pub(super) fn without(set: &mut [u8], all: &[u8], less: &[u8]) {
    for (byte, (all, less)) in set.iter_mut().zip(all.iter().zip(less)) {
        *byte = all & !less;
    }
}

/// Leaves only those of `some` in the set.
pub(super) fn keep(set: &mut [u8], some: &[u8]) {
    set.iter_mut().zip(some).for_each(|(byte, some)| *byte &= some);
}

/// Takes all of `less` out of the set.
pub(super) fn subtract(set: &mut [u8], less: &[u8]) {
    set.iter_mut().zip(less).for_each(|(byte, less)| *byte &= !less);
}

/// The places of the tags in the set, ascending.
pub(super) fn places(set: &[u8]) -> impl Iterator<Item = usize> + '_ {
    set.iter()
        .enumerate()
        .flat_map(|(index, byte)| (0..8).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| index * 8 + bit))
}
