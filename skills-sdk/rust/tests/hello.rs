//! A skill without permissions: its tools, their schemas, and calls by JSON.

#![expect(missing_docs, clippy::unwrap_used, reason = "types and helpers of a test")]

use openclaw_skill::{Context, Error, ErrorKind, Result, Skill, input, json, log::Level, output, skill};

/// Whom to greet.
#[input]
pub struct Greeting {
    /// The person's name.
    name: String,
    /// How to greet.
    #[serde(default)]
    style: Style,
    /// More people.
    #[serde(default)]
    others: Vec<Person>,
}

/// How a greeting sounds.
#[input]
#[derive(Default)]
pub enum Style {
    /// As among friends.
    #[default]
    Plain,
    /// As among strangers.
    Formal,
}

/// Somebody.
#[input]
#[output]
pub struct Person {
    /// The person's name.
    name: String,
}

/// A greeting.
#[output]
pub struct Greeted {
    /// The text.
    text: String,
}

/// What to do with a person.
#[input]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Action {
    /// Meet them.
    MeetUp(Person),
    /// Avoid them for some days.
    Avoid {
        /// How long.
        days: u8,
    },
}

pub struct Hello;

/// Greets people.
#[skill(manifest = "skills/hello.toml")]
impl Hello {
    /// Greet somebody by name.
    ///
    /// Use it for people.
    pub fn greet_all(ctx: &Context, input: Greeting) -> Result<Greeted> {
        ctx.log().info("greeting");
        let word = match input.style {
            Style::Plain => "Hello",
            Style::Formal => "Good day",
        };
        let others: String = input.others.iter().map(|other| format!(", {}", other.name)).collect();
        Ok(Greeted { text: format!("{word}, {}{others}!", input.name) })
    }

    /// Say what time it is.
    pub fn time(ctx: &Context) -> Result<json::Value> {
        ctx.log().warn(format_args!("no {}", "clock"));
        Err(Error::failed("there is no clock"))
    }

    /// Parse a number.
    pub fn r#type(input: Person) -> Result<Vec<Person>, std::num::ParseIntError> {
        input.name.parse::<u8>().map(|_| vec![input])
    }

    /// Do something.
    pub fn act(input: Action) -> Result<()> {
        match input {
            Action::MeetUp(person) => Err(Self::refusal(&person.name)),
            Action::Avoid { days } => Err(Self::refusal(&days.to_string())),
        }
    }

    /// Do nothing.
    pub fn rest() -> Result<()> {
        Ok(())
    }

    /// Exists nowhere.
    #[cfg(any())]
    pub fn absent() -> Result<Absent> {
        Ok(Absent)
    }

    fn refusal(words: &str) -> Error {
        Error::denied(words)
    }
}

fn call(name: &str, input: &str) -> Result<String> {
    Hello::call(&Context::fake(), name, input)
}

fn refused(name: &str, input: &str) -> (ErrorKind, String) {
    let error = call(name, input).unwrap_err();
    (error.kind(), error.message().to_owned())
}

fn schema(name: &str) -> json::Value {
    let tools = Hello::tools().unwrap();
    let tool = tools.iter().find(|tool| tool.name == name).unwrap();
    json::from_str(&tool.input_schema).unwrap()
}

#[test]
fn a_function_is_called_directly() {
    let ctx = Context::fake();
    let input = Greeting { name: "Ada".into(), style: Style::Plain, others: Vec::new() };
    assert_eq!(Hello::greet_all(&ctx, input).unwrap().text, "Hello, Ada!");
    assert_eq!(ctx.fake_log(), [(Level::Info, "greeting".to_owned())]);
}

#[test]
fn a_tool_is_called_with_json() {
    let input = r#"{"name":"Ada","style":"Formal","others":[{"name":"Bob"}]}"#;
    assert_eq!(call("greet-all", input).unwrap(), r#"{"text":"Good day, Ada, Bob!"}"#);
    assert_eq!(call("rest", "{}").unwrap(), "null");
    assert_eq!(call("type", r#"{"name":"3"}"#).unwrap(), r#"[{"name":"3"}]"#);
}

#[test]
fn names_and_descriptions_come_from_the_code() {
    let tools = Hello::tools().unwrap();
    let names: Vec<_> = tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(names, ["greet-all", "time", "type", "act", "rest"]);
    assert_eq!(tools[0].description, "Greet somebody by name.\n\nUse it for people.");
}

#[test]
fn an_input_schema_holds_the_fields_and_their_comments() {
    let expected = json::json!({
        "type": "object",
        "description": "Whom to greet.",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": { "type": "string", "description": "The person's name." },
            "style": {
                "description": "How to greet.",
                "oneOf": [
                    { "type": "string", "const": "Plain", "description": "As among friends." },
                    { "type": "string", "const": "Formal", "description": "As among strangers." },
                ],
            },
            "others": {
                "description": "More people.",
                "type": "array",
                "default": [],
                "items": {
                    "type": "object",
                    "description": "Somebody.",
                    "additionalProperties": false,
                    "required": ["name"],
                    "properties": { "name": { "type": "string", "description": "The person's name." } },
                },
            },
        },
    });
    assert_eq!(schema("greet-all"), expected);
}

#[test]
fn a_tool_without_input_takes_the_empty_object() {
    let expected = json::json!({ "type": "object", "properties": {}, "additionalProperties": false });
    assert_eq!(schema("time"), expected);
    let (kind, message) = refused("time", r#"{"zone":"UTC"}"#);
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(message.contains("unknown field `zone`"), "{message}");
}

#[test]
fn an_enum_of_objects_is_an_object() {
    let schema = schema("act");
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["oneOf"].as_array().unwrap().len(), 2);
    assert_eq!(refused("act", r#"{"action":"meet-up","name":"Bob"}"#), (ErrorKind::Denied, "Bob".into()));
    assert_eq!(refused("act", r#"{"action":"avoid","days":3}"#), (ErrorKind::Denied, "3".into()));
}

#[test]
fn an_output_schema_is_there_unless_it_says_nothing() {
    let tools = Hello::tools().unwrap();
    let output: json::Value = json::from_str(tools[0].output_schema.as_ref().unwrap()).unwrap();
    assert_eq!(output["properties"]["text"]["description"], "The text.");
    assert_eq!(tools[1].output_schema, None);
}

#[test]
fn a_fault_in_the_input_is_named_with_its_place() {
    let (kind, message) = refused("greet-all", r#"{"name":"Ada","others":[{"name":1}]}"#);
    assert_eq!(kind, ErrorKind::InvalidInput);
    assert!(message.starts_with("`others[0].name`: invalid type: integer `1`"), "{message}");
    let (_, message) = refused("greet-all", "{}");
    assert!(message.starts_with("the input: missing field `name`"), "{message}");
    let (_, message) = refused("greet-all", r#"{"name":"Ada"} x"#);
    assert!(message.starts_with("the input: trailing characters"), "{message}");
}

#[test]
fn other_errors_keep_their_kind_and_words() {
    assert_eq!(refused("time", "{}"), (ErrorKind::Failed, "there is no clock".into()));
    assert_eq!(refused("fly", "{}"), (ErrorKind::UnknownTool, "there is no tool `fly`".into()));
    let expected = (ErrorKind::Failed, "invalid digit found in string".into());
    assert_eq!(refused("type", r#"{"name":"x"}"#), expected);
}
