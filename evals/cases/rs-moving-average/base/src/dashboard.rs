use crate::series::Series;

/// One tile; drawn from the first sample on.
pub struct Tile {
    pub title: String,
    pub series: Series,
}

impl Tile {
    pub fn headline(&self) -> String {
        match self.series.last() {
            Some(value) => format!("{}: {value:.1}", self.title),
            None => format!("{}: no data", self.title),
        }
    }
}
