//! The image of a service that only some shards start: an expression that is empty for the others, for which the
//! runner then starts nothing.

/// How an expression begins that asks whether the shard starts a service.
const ASKS: &str = "contains(matrix.services, ";

/// Returns the image that is `image` for the shards whose matrix row lists the service, and empty for the others.
pub(super) fn conditional(service: &str, image: &str) -> String {
    format!("${{{{ {ASKS}{}) && {} || '' }}}}", quoted(service), as_expression(image))
}

/// Returns the image inside a conditional one; any other image as it is.
pub(super) fn original(service: &str, image: &str) -> String {
    let begin = format!("${{{{ {ASKS}{}) && ", quoted(service));
    let inner = image.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(" || '' }}"));
    inner.map_or_else(|| image.to_owned(), from_expression)
}

/// Returns a text, expressions in it, as one expression.
fn as_expression(text: &str) -> String {
    let mut parts = crate::workflow::github::template_parts(text);
    match &mut parts[..] {
        [(false, plain)] => quoted(plain),
        [(true, expression)] => format!("({expression})"),
        parts => {
            let mut pattern = String::new();
            let mut arguments = String::new();
            let mut number = 0;
            for (is_expression, part) in parts {
                if *is_expression {
                    pattern.push_str(&format!("{{{number}}}"));
                    arguments.push_str(&format!(", {part}"));
                    number += 1;
                } else {
                    pattern.push_str(&part.replace('{', "{{").replace('}', "}}"));
                }
            }
            format!("format({}{arguments})", quoted(&pattern))
        }
    }
}

/// Returns the text that [`as_expression`] was made from.
fn from_expression(expression: &str) -> String {
    if let Some(inner) = expression.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return format!("${{{{ {inner} }}}}");
    }
    if let Some(inner) = expression.strip_prefix("format('").and_then(|rest| rest.strip_suffix(')'))
        && let Some(end) = end_of_string(inner)
    {
        let arguments = inner[end + 1..].trim_start_matches(", ");
        let arguments = split_arguments(arguments);
        let plain = |text: &str| text.replace("{{", "{").replace("}}", "}");
        let mut text = String::new();
        let mut rest = inner[..end].replace("''", "'");
        for (number, argument) in arguments.iter().enumerate() {
            if let Some((before, after)) = rest.clone().split_once(&format!("{{{number}}}")) {
                text.push_str(&plain(before));
                text.push_str(&format!("${{{{ {argument} }}}}"));
                after.clone_into(&mut rest);
            }
        }
        return text + &plain(&rest);
    }
    expression.trim_matches('\'').replace("''", "'")
}

/// Returns where the string literal that is open at the start of a text ends.
fn end_of_string(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'\'' {
            if bytes.get(at + 1) != Some(&b'\'') {
                return Some(at);
            }
            at += 1;
        }
        at += 1;
    }
    None
}

/// Returns the arguments of a call, parted by commas outside of strings and brackets.
fn split_arguments(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut start) = (0_i32, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'(' | b'[' if !quoted => depth += 1,
            b')' | b']' if !quoted => depth -= 1,
            b',' if !quoted && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// Returns a string literal of an expression.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_comes_back_from_its_condition() {
        for image in [
            "postgres:17",
            "it's/odd:1",
            "postgres:${{ matrix.pg }}",
            "${{ matrix.image }}",
            "${{ a }}/x:${{ format('{0}', b) }}",
        ] {
            let conditional = conditional("db", image);
            assert_eq!(original("db", &conditional), image, "{conditional}");
            assert_eq!(original("other", &conditional), conditional);
            assert_eq!(original("db", image), image);
        }
    }

    #[test]
    fn the_condition_starts_it_where_the_row_lists_it() {
        use crate::workflow::github::{Context, render};
        let row = |yaml: &str| Context::of_row(yaml_serde::from_str(yaml).unwrap(), Vec::new());
        let image = conditional("db", "postgres:${{ matrix.pg }}");
        assert_eq!(render(&image, &row("{services: [db, x], pg: 17}")).as_deref(), Some("postgres:17"));
        assert_eq!(render(&image, &row("{services: [dba], pg: 17}")).as_deref(), Some(""));
    }
}
