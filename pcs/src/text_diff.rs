//! Differences between two lists of lines, for people.

/// Longer texts are compared whole: the table below would be too big.
const CELLS_MAX: usize = 16_000_000;

/// Marks lines: `- ` only in the old text, `+ ` only in the new one, two spaces for both.
pub fn lines(old: &[String], new: &[String]) -> Vec<String> {
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[start..], &new[start..]);
    let end = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let old_middle = &old_rest[..old_rest.len() - end];
    let new_middle = &new_rest[..new_rest.len() - end];
    let mut marked: Vec<String> = old[..start].iter().map(|line| mark(' ', line)).collect();
    marked.extend(middle(old_middle, new_middle));
    marked.extend(old_rest[old_rest.len() - end..].iter().map(|line| mark(' ', line)));
    marked
}

fn mark(sign: char, line: &str) -> String {
    format!("{sign} {line}").trim_end().to_owned()
}

fn middle(old: &[String], new: &[String]) -> Vec<String> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > CELLS_MAX {
        let gone = old.iter().map(|line| mark('-', line));
        return gone.chain(new.iter().map(|line| mark('+', line))).collect();
    }
    // common[i * width + j]: how many lines old[i..] and new[j..] have in common, in order
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut marked = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            marked.push(mark(' ', &old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len()
            || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1])
        {
            marked.push(mark('-', &old[i]));
            i += 1;
        } else {
            marked.push(mark('+', &new[j]));
            j += 1;
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::lines;

    fn check(old: &str, new: &str, marked: &str) {
        let split = |text: &str| -> Vec<String> { text.split(' ').map(str::to_owned).collect() };
        assert_eq!(lines(&split(old), &split(new)).join(","), marked);
    }

    #[test]
    fn only_what_differs_is_marked() {
        check("a b c", "a b c", "  a,  b,  c");
        check("a b c", "a x c", "  a,- b,+ x,  c");
        check("a b c d", "b c e d", "- a,  b,  c,+ e,  d");
        check("a", "b", "- a,+ b");
    }

    #[test]
    fn long_texts_are_compared_too() {
        let old: Vec<String> = (0..5_000).map(|n| format!("old {n}")).collect();
        let new: Vec<String> = (0..5_000).map(|n| format!("new {n}")).collect();
        assert_eq!(lines(&old, &new).len(), 10_000);
    }
}
