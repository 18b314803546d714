//! Parts of a body that the operator does not want kept: taken out after the signature was checked, before the first byte
//! is stored. What is left is JSON of the same meaning, though no longer byte for byte what was sent.

use serde_json::Value;

/// Body without the parts at `pointers`, in which `*` stands for every element of a list or field of an object. A body
/// that is no JSON is nobody's to cut: none.
pub fn without(body: &[u8], pointers: &[String]) -> Option<Vec<u8>> {
    let mut json: Value = serde_json::from_slice(body).ok()?;
    for pointer in pointers {
        let tokens: Vec<String> = pointer.split('/').skip(1).map(unescaped).collect();
        remove(&mut json, &tokens);
    }
    serde_json::to_vec(&json).ok()
}

fn unescaped(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

fn remove(json: &mut Value, tokens: &[String]) {
    match tokens {
        [] => {}
        [last] => drop_at(json, last),
        [first, rest @ ..] => below(json, first).into_iter().for_each(|part| remove(part, rest)),
    }
}

fn below<'a>(json: &'a mut Value, token: &str) -> Vec<&'a mut Value> {
    match (json, token) {
        (Value::Object(fields), "*") => fields.values_mut().collect(),
        (Value::Object(fields), name) => fields.get_mut(name).into_iter().collect(),
        (Value::Array(items), "*") => items.iter_mut().collect(),
        (Value::Array(items), token) => {
            token.parse().ok().and_then(|at: usize| items.get_mut(at)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// An element of a list becomes null, so that the others keep their places.
fn drop_at(json: &mut Value, token: &str) {
    match json {
        Value::Object(fields) if token == "*" => fields.clear(),
        Value::Object(fields) => {
            fields.remove(token);
        }
        list @ Value::Array(_) => below(list, token).into_iter().for_each(|element| *element = Value::Null),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_goes_and_nothing_else() {
        let check = |pointers: &[&str], expected: &str| {
            let body =
                br#"{"issue":{"fields":{"description":"secret","a/b":1,"list":[{"text":"x","id":1},{"text":"y"}]}}}"#;
            let pointers: Vec<String> = pointers.iter().map(|pointer| (*pointer).to_owned()).collect();
            assert_eq!(String::from_utf8(without(body, &pointers).unwrap()).unwrap(), expected);
        };
        let list = r#""list":[{"id":1,"text":"x"},{"text":"y"}]"#;
        check(&["/issue/fields/description"], &format!(r#"{{"issue":{{"fields":{{"a/b":1,{list}}}}}}}"#));
        check(
            &["/issue/fields/a~1b", "/issue/fields/list/*/text"],
            r#"{"issue":{"fields":{"description":"secret","list":[{"id":1},{}]}}}"#,
        );
        check(
            &["/issue/fields/list/0", "/issue/fields/description", "/issue/fields/a~1b"],
            r#"{"issue":{"fields":{"list":[null,{"text":"y"}]}}}"#,
        );
        check(&["/issue/fields/*"], r#"{"issue":{"fields":{}}}"#);
        check(
            &["/nothing/here", ""],
            &format!(r#"{{"issue":{{"fields":{{"a/b":1,"description":"secret",{list}}}}}}}"#),
        );
        assert_eq!(without(b"payload=x", &[]), None);
    }
}
