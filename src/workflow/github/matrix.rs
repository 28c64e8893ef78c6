//! A job's matrix and the rows it stands for, by GitHub's rules of `include` and `exclude`.

use yaml_serde::{Mapping, Value};

use super::expression::{self, Context};

/// `strategy.matrix`.
#[derive(Clone, Debug, PartialEq)]
pub enum Matrix {
    /// It is written in the file, all or nearly all of it.
    Written {
        /// The dimensions with their values, in the order of the file; nothing for one that the run computes.
        dimensions: Vec<(String, Option<Vec<Value>>)>,
        /// The rows that are added or extended; nothing where the run computes them.
        include: Option<Vec<Mapping>>,
        /// The rows that are left out; nothing where the run computes them.
        exclude: Option<Vec<Mapping>>,
    },
    /// The run computes it.
    Computed(String),
}

/// One row of a matrix: the values that its expressions see.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(pub Mapping);

/// More rows than GitHub takes; a matrix beyond is not expanded.
pub const MOST_ROWS: usize = 256;

impl Matrix {
    /// Returns the matrix that a value describes.
    #[must_use]
    pub fn of(value: &Value) -> Option<Self> {
        let mapping = match value {
            Value::String(expression) => return Some(Self::Computed(expression.clone())),
            Value::Mapping(mapping) => mapping,
            _ => return None,
        };
        let rows = |key: &str| match mapping.get(key) {
            None => Some(Vec::new()),
            Some(Value::Sequence(rows)) => {
                Some(rows.iter().filter_map(|row| row.as_mapping().cloned()).collect())
            }
            Some(_) => None,
        };
        let dimensions = mapping
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value)))
            .filter(|(key, _)| key != "include" && key != "exclude")
            .map(|(key, value)| (key, value.as_sequence().cloned()))
            .collect();
        Some(Self::Written { dimensions, include: rows("include"), exclude: rows("exclude") })
    }

    /// Returns the matrix without some of its dimensions.
    #[must_use]
    pub fn without(&self, gone: &[String]) -> Self {
        let mut rest = self.clone();
        if let Self::Written { dimensions, .. } = &mut rest {
            dimensions.retain(|(name, _)| !gone.contains(name));
        }
        rest
    }

    /// Returns its rows in GitHub's order; nothing where only the run knows them.
    #[must_use]
    pub fn rows(&self) -> Option<Vec<Row>> {
        self.known_rows().filter(|(_, computed)| computed.is_empty()).map(|(rows, _)| rows)
    }

    /// Returns what is known of each row before the run; nothing where not even their number without the computed
    /// dimensions is.
    #[must_use]
    pub fn contexts(&self) -> Option<Vec<Context>> {
        let (rows, computed) = self.known_rows()?;
        Some(rows.into_iter().map(|row| Context::of_row(row.0, computed.clone())).collect())
    }

    /// Returns the rows as far as the dimensions that are written span them, and the dimensions that are not.
    fn known_rows(&self) -> Option<(Vec<Row>, Vec<String>)> {
        let Self::Written { dimensions, include: Some(include), exclude: Some(exclude) } = self else {
            return None;
        };
        let computed: Vec<String> =
            dimensions.iter().filter(|(_, values)| values.is_none()).map(|(name, _)| name.clone()).collect();
        // Whether such a row extends another is known only when the other is.
        let told_apart = |row: &Mapping| computed.iter().any(|name| row.contains_key(name.as_str()));
        if include.iter().chain(exclude).any(told_apart) {
            return None;
        }
        let mut rows = vec![Mapping::new()];
        for (name, values) in dimensions {
            let Some(values) = values else { continue };
            if rows.len() * values.len() > MOST_ROWS {
                return None;
            }
            let extended = |row: &Mapping, value: &Value| {
                let mut row = row.clone();
                row.insert(Value::String(name.clone()), value.clone());
                row
            };
            rows = rows.iter().flat_map(|row| values.iter().map(|value| extended(row, value))).collect();
        }
        if dimensions.is_empty() {
            rows.clear();
        }
        let agrees =
            |row: &Mapping, other: &Mapping| other.iter().all(|(key, value)| row.get(key) == Some(value));
        rows.retain(|row| !exclude.iter().any(|left_out| agrees(row, left_out)));
        let original = rows.clone();
        for added in include {
            // It extends every row whose own values it does not contradict, else it is a row of its own.
            let mut extended = false;
            for (row, original) in rows.iter_mut().zip(&original) {
                let fits =
                    added.iter().all(|(key, value)| original.get(key).is_none_or(|present| present == value));
                if fits {
                    extended = true;
                    row.extend(added.iter().map(|(key, value)| (key.clone(), value.clone())));
                }
            }
            if !extended {
                rows.push(added.clone());
            }
        }
        Some((rows.into_iter().map(Row).collect(), computed))
    }
}

impl Row {
    /// Returns what expressions of the row's job see.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::of_row(self.0.clone(), Vec::new())
    }

    /// Returns the name that GitHub gives a job of this row which has no name of its own.
    #[must_use]
    pub fn appended_to(&self, id: &str) -> String {
        let values: Vec<String> =
            self.0.values().map(expression::as_text).filter(|text| !text.is_empty()).collect();
        if values.is_empty() { id.to_owned() } else { format!("{id} ({})", values.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(yaml: &str) -> Vec<String> {
        let matrix = Matrix::of(&yaml_serde::from_str(yaml).unwrap()).unwrap();
        matrix.rows().unwrap().iter().map(|row| row.appended_to("t")).collect()
    }

    /// The example of GitHub's documentation of `include`.
    #[test]
    fn included_rows_extend_those_they_do_not_contradict() {
        let rows = rows(
            "{fruit: [apple, pear], animal: [cat, dog], include: [{color: green}, {color: pink, animal: cat}, \
             {fruit: apple, shape: circle}, {fruit: banana}, {fruit: banana, animal: cat}]}",
        );
        assert_eq!(
            rows,
            [
                "t (apple, cat, pink, circle)",
                "t (apple, dog, green, circle)",
                "t (pear, cat, pink)",
                "t (pear, dog, green)",
                "t (banana)",
                "t (banana, cat)",
            ]
        );
    }

    #[test]
    fn rows_of_include_alone_and_left_out_rows_are_known() {
        assert_eq!(rows("{include: [{a: 1}, {a: 2}]}"), ["t (1)", "t (2)"]);
        assert_eq!(rows("{a: [1, 2], b: [x], exclude: [{a: 1}]}"), ["t (2, x)"]);
    }

    #[test]
    fn what_the_run_computes_is_not_guessed() {
        for yaml in ["'${{ fromJSON(needs.a.outputs.m) }}'", "{a: '${{ fromJSON(inputs.a) }}'}"] {
            let matrix = Matrix::of(&yaml_serde::from_str(yaml).unwrap()).unwrap();
            assert_eq!(matrix.rows(), None, "{yaml}");
        }
    }

    #[test]
    fn a_computed_dimension_leaves_the_others_known() {
        let known = |yaml: &str| {
            let matrix = Matrix::of(&yaml_serde::from_str(yaml).unwrap()).unwrap();
            let contexts = matrix.contexts()?;
            Some(contexts.iter().map(|row| expression::render("${{ matrix.b }}", row)).collect::<Vec<_>>())
        };
        let some = |text: &str| Some(text.to_owned());
        let computed = "'${{ fromJSON(inputs.a) }}'";
        assert_eq!(known(&format!("{{a: {computed}, b: [1, 2]}}")), Some(vec![some("1"), some("2")]));
        assert_eq!(known(&format!("{{b: {computed}, a: [1]}}")), Some(vec![None]));
        assert_eq!(known(&format!("{{a: {computed}, b: [1], include: [{{a: 3}}]}}")), None);
    }
}
