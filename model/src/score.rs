//! Scores: integers within ±1,000,000, which is infinity.

use std::fmt;
use std::ops::{Add, Neg};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A preference for or against something; addition saturates and minus infinity wins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Score(i32);

impl Score {
    /// Must.
    pub const INFINITY: Self = Self(1_000_000);
    /// Must not.
    pub const MINUS_INFINITY: Self = Self(-1_000_000);
    /// No preference.
    pub const ZERO: Self = Self(0);

    /// Builds a score, saturating at ±1,000,000.
    pub fn new(value: i64) -> Self {
        let bounded = value.clamp(-1_000_000, 1_000_000);
        Self(i32::try_from(bounded).unwrap_or_default())
    }

    /// Returns the number, within ±1,000,000.
    pub fn value(self) -> i32 {
        self.0
    }

    /// Tells whether this is plus infinity.
    pub fn is_infinite(self) -> bool {
        self == Self::INFINITY
    }

    /// Tells whether this forbids.
    pub fn forbids(self) -> bool {
        self == Self::MINUS_INFINITY
    }
}

impl Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        if self.forbids() || other.forbids() {
            Self::MINUS_INFINITY
        } else if self.is_infinite() || other.is_infinite() {
            Self::INFINITY
        } else {
            Self::new(i64::from(self.0) + i64::from(other.0))
        }
    }
}

impl Neg for Score {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::INFINITY => f.pad("INFINITY"),
            Self::MINUS_INFINITY => f.pad("-INFINITY"),
            Self(n) => fmt::Display::fmt(&n, f),
        }
    }
}

/// A text that is no score.
#[derive(Debug, Clone, thiserror::Error)]
#[error("`{0}` is not a score (a number, INFINITY or -INFINITY)")]
pub struct NotAScore(pub String);

impl FromStr for Score {
    type Err = NotAScore;

    /// Reads a number or `INFINITY`, `+INFINITY`, `-INFINITY` (any case, as Pacemaker does), and
    /// the node health words `red`, `yellow`, `green` are not handled here.
    fn from_str(text: &str) -> Result<Self, NotAScore> {
        let trimmed = text.trim();
        match trimmed.to_ascii_uppercase().as_str() {
            "INFINITY" | "+INFINITY" => Ok(Self::INFINITY),
            "-INFINITY" => Ok(Self::MINUS_INFINITY),
            _ => trimmed.parse::<i64>().map(Self::new).map_err(|_| NotAScore(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Score;

    #[test]
    fn minus_infinity_wins_and_sums_saturate() {
        let add = |a: i64, b: i64| (Score::new(a) + Score::new(b)).value();
        assert_eq!(add(1_000_000, -1_000_000), -1_000_000);
        assert_eq!(add(1_000_000, -500), 1_000_000);
        assert_eq!(add(900_000, 200_000), 1_000_000);
        assert_eq!("-infinity".parse::<Score>().unwrap().value(), -1_000_000);
        assert!("banana".parse::<Score>().is_err());
    }
}
