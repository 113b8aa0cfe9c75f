//! A merge sort whose result is defined for comparisons that are no strict order.
//!
//! Several comparisons of the scheduler are not transitive; what they lead to depends on the
//! algorithm. This one cuts the list in the middle (the first half is the shorter one) and takes
//! the left element when the comparison is not greater, as the established scheduler's does.

use std::cmp::Ordering;

/// Sorts stably, top down.
pub(crate) fn list_sort<T: Clone>(list: &mut [T], compare: &mut impl FnMut(&T, &T) -> Ordering) {
    sort_with(list, &mut Vec::with_capacity(list.len() / 2), compare);
}

/// Sorts with room for the left half.
fn sort_with<T: Clone>(
    list: &mut [T],
    left: &mut Vec<T>,
    compare: &mut impl FnMut(&T, &T) -> Ordering,
) {
    let middle = list.len() / 2;
    if middle == 0 {
        return;
    }
    sort_with(&mut list[..middle], left, compare);
    sort_with(&mut list[middle..], left, compare);
    left.clear();
    left.extend_from_slice(&list[..middle]);
    let (mut l, mut r) = (0, middle);
    for at in 0..list.len() {
        if l == left.len() {
            // what is left of the right half is in its place
            break;
        }
        if r == list.len() || compare(&left[l], &list[r]) != Ordering::Greater {
            list[at] = left[l].clone();
            l += 1;
        } else {
            list[at] = list[r].clone();
            r += 1;
        }
    }
}

/// Inserts before the first element that is not smaller.
pub(crate) fn insert_sorted<T>(
    list: &mut Vec<T>,
    item: T,
    mut compare: impl FnMut(&T, &T) -> Ordering,
) {
    let at =
        list.iter().position(|other| compare(other, &item) != Ordering::Less).unwrap_or(list.len());
    list.insert(at, item);
}

/// Compares names so that runs of digits count as numbers.
pub(crate) fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        match (a.first(), b.first()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                let (digits_a, rest_a) = take_digits(a);
                let (digits_b, rest_b) = take_digits(b);
                let order =
                    digits_a.len().cmp(&digits_b.len()).then_with(|| digits_a.cmp(digits_b));
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (rest_a, rest_b);
            }
            (Some(x), Some(y)) => {
                let order = x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
                if order != Ordering::Equal {
                    return order;
                }
                (a, b) = (&a[1..], &b[1..]);
            }
        }
    }
}

/// Splits off a run of digits, without its leading zeros.
fn take_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|c| **c == b'0').count().min(digits.len() - 1);
    (&digits[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::{compare_names, insert_sorted, list_sort};
    use std::cmp::Ordering;

    #[test]
    fn equal_elements_keep_their_order() {
        let mut list = [(2, 'a'), (1, 'b'), (2, 'c'), (1, 'd'), (0, 'e')];
        list_sort(&mut list, &mut |a, b| a.0.cmp(&b.0));
        assert_eq!(list, [(0, 'e'), (1, 'b'), (1, 'd'), (2, 'a'), (2, 'c')]);
    }

    #[test]
    fn a_comparison_that_is_no_order_neither_panics_nor_loses_elements() {
        let mut list: Vec<u32> = (0..57).collect();
        list_sort(&mut list, &mut |a, b| (a % 3).cmp(&((b + 1) % 3)));
        list.sort_unstable();
        assert_eq!(list, (0..57).collect::<Vec<_>>());
    }

    #[test]
    fn digits_in_names_count_as_numbers() {
        assert_eq!(compare_names("node2", "node10"), Ordering::Less);
        assert_eq!(compare_names("node02", "node2"), Ordering::Equal);
        assert_eq!(compare_names("a", "B"), Ordering::Less);
        assert_eq!(compare_names("n", "n1"), Ordering::Less);
    }

    #[test]
    fn a_new_element_goes_before_its_equals() {
        let mut list = vec![(1, 'a'), (2, 'b'), (3, 'c')];
        insert_sorted(&mut list, (2, 'x'), |a, b| a.0.cmp(&b.0));
        assert_eq!(list[1], (2, 'x'));
    }
}
