//! Fills texts into pages, escaped.

/// `{{name}}` becomes the escaped value of that name; `{{{name}}}` the value as it is, for HTML of ours.
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{{{{{name}}}}}}}"), value).replace(&format!("{{{{{name}}}}}"), &escape(value))
    })
}

/// For text and for attribute values in double quotes. Braces too, so that a value is never a placeholder.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_unless_they_are_html_of_ours() {
        let values = [("name", "<b>&\"'{{url}}"), ("url", "http://a/"), ("svg", "<svg/>")];
        let filled = fill("{{name}} {{url}} {{{svg}}}", &values);
        assert_eq!(filled, "&lt;b&gt;&amp;&quot;&#39;&#123;&#123;url}} http://a/ <svg/>");
    }
}
