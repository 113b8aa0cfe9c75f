//! A list that mostly has one element, for which no memory is asked.

use std::ops::Deref;

/// Some elements in order.
#[derive(Clone, Debug)]
pub(crate) enum Few<T> {
    One(T),
    /// Any other number, none included.
    Several(Vec<T>),
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(all) => all,
        }
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut rest = elements.into_iter();
        let Some(first) = rest.next() else { return Self::Several(Vec::new()) };
        match rest.next() {
            None => Self::One(first),
            Some(second) => Self::Several([first, second].into_iter().chain(rest).collect()),
        }
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        let (one, all) = match self {
            Self::One(one) => (Some(one), Vec::new()),
            Self::Several(all) => (None, all),
        };
        one.into_iter().chain(all)
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Few;

    #[test]
    fn any_number_is_kept_in_order() {
        for count in 0..4 {
            let few: Few<i32> = (0..count).collect();
            assert_eq!(matches!(few, Few::One(_)), count == 1);
            assert_eq!(*few, (0..count).collect::<Vec<_>>());
            assert_eq!(few.into_iter().collect::<Vec<_>>(), (0..count).collect::<Vec<_>>());
        }
    }
}
