//! What may stand in the file, and what follows from it.

use super::*;

const WHOLE: &str = "
version: '1'
providers:
  kimi: { format: openai, url: https://api.moonshot.ai/v1, key: MOONSHOT_API_KEY }
  office: { format: ollama, url: 'http://192.0.2.7:11434', key: OFFICE_KEY, insecure: true }
models:
  claude:
    provider: anthropic
    model: claude-sonnet-4-5
    capabilities: [tools, streaming]
    context: 200000
    max_output: 8192
    cost: { input: 3.0, cached: 0.3, output: 15.0 }
    priority: 10
    speed: slow
    limits: { requests_per_minute: 50, tokens_per_minute: 40000, concurrent: 4, queue: 8 }
  kimi-k2: { provider: kimi, model: kimi-k2 }
  mine: { provider: office, model: 'qwen3:8b', capabilities: [] }
routes:
  default: { models: [claude, spare], order: priority }
  spare: { models: [kimi-k2, mine], order: round-robin }
retries: { attempts: 2, first_delay: 100, most_delay: 1000 }
breaker: { failures: 3, open: 1000 }
cache: { entries: 256, time: 3600000 }
";

#[test]
fn every_key_is_read() {
    let file = parse(WHOLE).unwrap();
    let claude = &file.0.models[0];
    assert_eq!((claude.name.as_str(), claude.model.as_str()), ("claude", "claude-sonnet-4-5"));
    assert_eq!((claude.context, claude.max_output, claude.priority), (200_000, 8192, 10));
    assert_eq!(claude.speed, file::Speed::Slow);
    let limits = file::LimitRule {
        requests_per_minute: Some(50),
        tokens_per_minute: Some(40_000),
        concurrent: Some(4),
        queue: 8,
    };
    assert_eq!(claude.limits, limits);
    assert!(claude.price.is_some() && claude.tools && claude.streaming);
    let mine = &file.0.models[2];
    assert_eq!((mine.tools, mine.streaming, mine.context, mine.max_output), (false, false, 8192, 4096));
    assert_eq!(file.0.models[1].context, 128_000);
    assert_eq!(file.0.retries.attempts, 2);
    assert_eq!(file.0.retries.most_delay, Duration::from_secs(1));
    assert_eq!((file.0.breaker.failures, file.0.breaker.open), (3, Duration::from_secs(1)));
    assert_eq!(file.0.cache.unwrap().time, Duration::from_secs(3600));
    assert_eq!(parse("").unwrap().0, Plan::default());
}

#[test]
fn keys_are_found_by_the_names_of_their_variables_and_each_provider_is_reached_once() {
    let mut world = World::default();
    let file = parse(WHOLE).unwrap();
    let error = Models::new(&file, &world, None).unwrap_err();
    let reason = "the model claude needs ANTHROPIC_API_KEY, which is neither in .env nor in the environment";
    assert_eq!(error.to_string(), reason);
    world.variables =
        BTreeMap::from([("ANTHROPIC_API_KEY", "a"), ("MOONSHOT_API_KEY", "m"), ("OFFICE_KEY", "o")]);
    let models = Models::new(&file, &world, None).unwrap();
    let connected = [
        "Anthropic https://api.anthropic.com/ a",
        "OpenAi https://api.moonshot.ai/v1 m",
        "Ollama http://192.0.2.7:11434/ o",
    ];
    assert_eq!(*world.connected.lock().unwrap(), connected);
    assert_eq!(models.names().collect::<Vec<_>>(), ["auto", "claude", "default", "kimi-k2", "mine", "spare"]);
    let access = Access {
        format: Format::OpenAi,
        url: Url::parse("https://x.example").unwrap(),
        key: Some(Zeroizing::new("secret".to_owned())),
    };
    assert!(!format!("{access:?}").contains("secret"));
}

#[test]
fn without_a_file_one_model_of_a_known_provider_is_there() {
    let variables = BTreeMap::from([("OPENAI_API_KEY", "k"), ("LOCAL_LLM_URL", "http://127.0.0.1:8080/v1")]);
    let world = World { variables, ..World::default() };
    for (provider, model) in [("openai", "gpt-4o-mini"), ("local", "any"), ("ollama", "qwen3:8b")] {
        let models = Models::new(&ModelsFile::of_one(provider, model).unwrap(), &world, None).unwrap();
        assert!(models.model(model).is_some_and(|model| model.calls_tools()), "{model}");
        assert!(models.model("auto").is_some() && models.model("other").is_none());
    }
    let connected = [
        "OpenAi https://api.openai.com/v1 k",
        "OpenAi http://127.0.0.1:8080/v1 -",
        "Ollama http://127.0.0.1:11434/ -",
    ];
    assert_eq!(*world.connected.lock().unwrap(), connected);
    let error = ModelsFile::of_one("opnai", "x").unwrap_err().to_string();
    assert!(error.contains("there is no provider opnai; did you mean openai?"), "{error}");
    assert!(ModelsFile::of_one("openai", " ").is_err());
    let odd =
        World { variables: BTreeMap::from([("LOCAL_LLM_URL", "http://me:secret@h/")]), ..World::default() };
    let error = Models::new(&ModelsFile::of_one("local", "x").unwrap(), &odd, None).unwrap_err().to_string();
    assert!(error.contains("LOCAL_LLM_URL has a user") && !error.contains("secret"), "{error}");
}

#[test]
fn what_cannot_be_obeyed_is_refused_with_its_place_and_by_its_name() {
    let provider = |more: &str| format!("providers:\n  p: {{ format: openai, {more} }}\n");
    let one = |more: &str| format!("models:\n  m: {{ provider: openai, model: x, {more} }}\n");
    let route = |more: &str| format!("{}routes:\n{more}", one(""));
    for (text, named) in [
        ("version: '2'\n".to_owned(), "1:10: version 2 is not known"),
        ("modles: {}\n".to_owned(), "1:1: there is no key modles; did you mean models?"),
        (one("speeed: fast"), "2:36: there is no key speeed; did you mean speed?"),
        (one("speed: quick"), "quick"),
        (one("capabilities: [vision]"), "vision"),
        (one("context: 0"), "it is from 1 to 100000000, not 0"),
        (one("max_output: 0"), "not 0"),
        (one("cost: { input: -3, output: 1 }"), "dollars per million tokens, not -3"),
        (one("limits: { concurrent: 0 }"), "not 0"),
        (one("limits: { queue: 0 }"), "not 0"),
        (one("limits: { request_per_minute: 1 }"), "did you mean requests_per_minute?"),
        (one("model: y"), "model"),
        (
            "models:\n  m: { provider: opnai, model: x }\n".to_owned(),
            "2:18: there is no provider opnai; did you mean openai?",
        ),
        ("models:\n  m: { provider: openai, model: '' }\n".to_owned(), "model is from 1 to 256 bytes"),
        ("models:\n  m: { provider: openai }\n".to_owned(), "model"),
        ("models:\n  auto: { provider: openai, model: x }\n".to_owned(), "2:9: auto is the name of all"),
        ("models:\n  'a b': { provider: openai, model: x }\n".to_owned(), "a name is at most 64"),
        (format!("{}  m: {{ provider: groq, model: x }}\n", one("")), "m"),
        (route("  r: { models: [] }\n"), "4:6: the route r has no models"),
        (route("  r: { models: [n] }\n"), "4:17: there is no model or route n"),
        (route("  r: { models: [m, m] }\n"), "4:20: m is in the route r twice"),
        (route("  r: { models: [r] }\n"), "4:6: the route r leads in a circle"),
        (route("  r: { models: [m, s] }\n  s: { models: [r] }\n"), "leads in a circle"),
        (route("  m: { models: [m] }\n"), "4:6: m is a model and a route"),
        (route("  r: { models: [m], order: random }\n"), "random"),
        (route("  r: { capabilities: [vision] }\n"), "vision"),
        (route("  r: { most_cost: 1 }\n"), "4:6: no model of the route r has the capabilities, and a cost"),
        (route("  r: { most_cost: -1 }\n"), "a cost is from 0.000001 to 1000000 dollars, not -1"),
        (
            route("  r: { models: [s], capabilities: [tools] }\n  s: { models: [m] }\n"),
            "4:6: the route r has a route in it: say capabilities there",
        ),
        ("routes:\n  r: { order: cost }\n".to_owned(), "2:6: the route r has no models"),
        (provider("url: 'ftp://x'"), "2:29: the url of p is no http or https URL"),
        (provider("url: 'https://x?key=1'"), "a query"),
        (provider("url: 'http://192.0.2.1/v1', key: A_KEY"), "2:29: the key of p would be sent in the clear"),
        (provider("url: 'http://localhost.example/v1', key: A_KEY"), "in the clear"),
        ("providers: { p: { format: grpc, url: 'https://x' } }\n".to_owned(), "there is no format \"grpc\""),
        ("retries: { attempts: 0 }\n".to_owned(), "from 1 to 10, not 0"),
        ("retries: { attempts: 11 }\n".to_owned(), "from 1 to 10, not 11"),
        ("retries: { first_delay: 2000, most_delay: 1000 }\n".to_owned(), "first_delay is longer"),
        ("breaker: { failures: 0 }\n".to_owned(), "not 0"),
        ("breaker: { open: 86400001 }\n".to_owned(), "not 86400001"),
        ("cache: { entries: 1 }\n".to_owned(), "time"),
        ("cache: { entries: 0, time: 1 }\n".to_owned(), "not 0"),
        ("models: [".to_owned(), "models.yaml:1"),
    ] {
        let error = parse(&text).expect_err(&text);
        assert!(error.contains(named) && error.starts_with("models.yaml"), "{text}: {error}");
    }
    for url in ["http://127.0.0.1:1/v1", "http://[::1]:1", "http://localhost:1", "https://192.0.2.1"] {
        assert!(parse(&provider(&format!("url: '{url}', key: A_KEY"))).is_ok(), "{url}");
    }
    assert!(parse(&provider("url: 'http://192.0.2.1/v1'")).is_ok(), "there is no key to see");
}

#[test]
fn a_key_in_the_file_is_refused_and_not_repeated() {
    for key in ["sk-ant-api03-AbCdEf", "gsk_AbCdEf", "AKIAIOSFODNN7EXAMPLEAKIA", "'1234_5678'", "''", "A KEY"]
    {
        let text = format!("providers:\n  p: {{ format: openai, url: 'https://x', key: {key} }}\n");
        let error = parse(&text).unwrap_err();
        let place = "models.yaml:2:47: the key of p is not the name of a variable";
        assert!(error.starts_with(place), "{error}");
        assert!(key.trim_matches('\'').is_empty() || !error.contains(key), "{error}");
    }
    let error =
        parse("providers:\n  p: { format: openai, url: 'https://x', api_key: sk-secret }\n").unwrap_err();
    assert!(error.contains("there is no key api_key") && !error.contains("sk-secret"), "{error}");
}

#[test]
fn routes_that_grow_beyond_reason_through_others_are_refused() {
    let mut text =
        file(&[("a", ""), ("b", "")], "routes:\n  r0: { models: [a, b] }\n  s0: { models: [b, a] }\n");
    for level in 1..60 {
        let below = level - 1;
        text.push_str(&format!("  r{level}: {{ models: [r{below}, s{below}] }}\n"));
        text.push_str(&format!("  s{level}: {{ models: [s{below}, r{below}] }}\n"));
    }
    assert!(parse(&text).unwrap_err().contains("comes to more than 256 models"));
    let many: String = (0..300).map(|i| format!("  m{i}: {{ provider: openai, model: x }}\n")).collect();
    assert!(parse(&format!("models:\n{many}")).unwrap_err().contains("more than 256 names"));
}

#[test]
fn a_file_that_is_not_there_is_none_and_one_that_is_too_long_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("models.yaml");
    assert_eq!(ModelsFile::load(&path), Ok(None));
    std::fs::write(&path, WHOLE).unwrap();
    assert_eq!(ModelsFile::load(&path).unwrap(), Some(parse(WHOLE).unwrap()));
    std::fs::write(&path, "#".repeat(2 << 20)).unwrap();
    assert!(ModelsFile::load(&path).unwrap_err().to_string().contains("longer than"));
    assert!(matches!(ModelsFile::load(dir.path()), Err(ModelsError::Unreadable { .. })));
}

#[test]
fn the_examples_of_the_documentation_are_read() {
    let page = include_str!("../../../../../docs/models.md");
    let blocks: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 5, "{}", blocks.len());
    for block in blocks {
        assert!(parse(block).is_ok_and(|file| !file.0.models.is_empty()), "{block}\n{:?}", parse(block));
    }
}
