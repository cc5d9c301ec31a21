/// Samples in the order of their arrival.
#[derive(Default)]
pub struct Series {
    samples: Vec<f64>,
}

impl Series {
    pub fn push(&mut self, value: f64) {
        self.samples.push(value);
    }

    pub fn last(&self) -> Option<f64> {
        self.samples.last().copied()
    }

    pub fn len(&self) -> usize {
        self.samples.len()
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}
