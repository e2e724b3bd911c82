//! Tables that fit a terminal.

use std::io;

use terminal_size::{Width, terminal_size_of};

/// Columns of a terminal whose width is unknown, and the fewest that a table is made for.
const USUAL_WIDTH: usize = 80;
/// Columns between two cells.
const GAP: usize = 2;

/// The columns of standard output.
pub(super) fn width() -> usize {
    let known = terminal_size_of(io::stdout()).map(|(Width(width), _)| usize::from(width));
    known.map_or(USUAL_WIDTH, |width| width.max(USUAL_WIDTH))
}

/// The width of each column so that a row has at most `width` columns: every cell has what its text needs, except in the
/// column `shortened`, which has what is left.
pub(super) fn widths<const N: usize>(rows: &[[String; N]], width: usize, shortened: usize) -> [usize; N] {
    let mut widths: [usize; N] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let others: usize = widths.iter().sum::<usize>() - widths[shortened] + GAP * (N - 1);
    widths[shortened] = widths[shortened].min(width.saturating_sub(others));
    widths
}

/// One row without its end.
pub(super) fn row<const N: usize>(cells: &[String; N], widths: &[usize; N]) -> String {
    let cells: Vec<_> =
        cells.iter().zip(widths).map(|(cell, &width)| format!("{:width$}", shorten(cell, width))).collect();
    cells.join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// The beginning of a text that is too long, with `…` for the rest.
pub(super) fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{row, shorten, widths};

    #[test]
    fn a_long_value_is_shortened_so_that_the_row_fits() {
        let rows = [["NAME", "VALUE", "SOURCE"], ["PORT", &"8".repeat(90), "default"]]
            .map(|row| row.map(str::to_owned));
        let widths = widths(&rows, 80, 1);
        assert_eq!(widths, [4, 65, 7]);
        assert_eq!(row(&rows[0], &widths), format!("NAME  {:65}  SOURCE", "VALUE"));
        assert_eq!(row(&rows[1], &widths), format!("PORT  {}…  default", "8".repeat(64)));
        assert_eq!(row(&rows[1], &widths).chars().count(), 80);
    }

    #[test]
    fn a_text_that_fits_stays_whole() {
        assert_eq!(shorten("äöü", 3), "äöü");
        assert_eq!(shorten("äöüß", 3), "äö…");
    }
}
