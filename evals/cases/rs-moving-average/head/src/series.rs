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

    /// Mean of the last `window` samples, or of all there are.
    pub fn average(&self, window: usize) -> Option<f64> {
        let recent = self.recent(window);
        if recent.is_empty() {
            return None;
        }
        Some(recent.iter().sum::<f64>() / recent.len() as f64)
    }

    /// Difference between the mean of the newer and of the older half of the last `window` samples.
    pub fn trend(&self, window: usize) -> Option<f64> {
        let recent = self.recent(window);
        if recent.len() < 2 {
            return None;
        }
        let (older, newer) = recent.split_at(recent.len() / 2);
        Some(mean(newer) - mean(older))
    }

    fn recent(&self, window: usize) -> &[f64] {
        let start = self.samples.len() - window;
        &self.samples[start..]
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
