//! What runners write, in small.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use expect_test::{Expect, expect};
use weir_junit::{Limits, Report, read};

fn shown(report: &Report) -> String {
    let mut text = String::new();
    for case in &report.cases {
        let ms = case.duration_ms.map_or_else(|| "-".to_owned(), |ms| ms.to_string());
        let message = case.message.as_deref().unwrap_or("-");
        text += &format!("{} | {:?} {ms} | {message}\n", case.full_name(), case.outcome);
    }
    for finding in &report.findings {
        text += &format!("{:?} {}:{} {}\n", finding.kind, finding.line, finding.column, finding.message);
    }
    text
}

#[expect(clippy::needless_pass_by_value, reason = "an `Expect` is written in place")]
fn check(xml: &str, expected: Expect) {
    expected.assert_eq(&shown(&read(xml.as_bytes(), &Limits::default())));
}

#[test]
fn junit_outcomes_and_messages() {
    check(
        "<?xml version='1.1'?><testsuites name='all'><testsuite name='unit' timestamp='2026-01-02T03:04:05Z'>
          <testcase classname='a.B' name='good' time='0.25' file='b.py' line='7'/>
          <testcase classname='a.B' name='bad'><failure message='1 &lt; 2'>stack</failure></testcase>
          <testcase classname='a.B' name='said in the text'><failure>
            1 &lt; <![CDATA[<2>]]>&#33;</failure></testcase>
          <testcase classname='a.B' name='broke'><skipped/><failure message='f'/><error message='e'/></testcase>
          <testcase classname='a.B' name='not run'><skipped message='later'/><system-out>noise</system-out></testcase>
          <testcase classname='a.B' name='flaky'><flakyFailure message='once'><stackTrace>s</stackTrace></flakyFailure></testcase>
          <testcase classname='a.B' name='rerun'><failure message='f'/><rerunFailure message='again'/></testcase>
          <testcase name='gtest' status='notrun' result='suppressed'/>
          <testcase name='phase' status='run'/>
          <error message='the suite broke'/>
        </testsuite></testsuites>",
        expect![[r"
            unit/a.B/good | Passed 250 | -
            unit/a.B/bad | Failed - | 1 < 2
            unit/a.B/said in the text | Failed - | 1 < <2>!
            unit/a.B/broke | Error - | e
            unit/a.B/not run | Skipped - | later
            unit/a.B/flaky | Flaky - | once
            unit/a.B/rerun | Failed - | f
            unit/gtest | Skipped - | -
            unit/phase | Passed - | -
            unit | Error - | the suite broke
        "]],
    );
}

#[test]
fn suites_nest_and_are_not_repeated() {
    check(
        "<testsuite name='top'><testsuite name='top'><testsuite name='a.B'><testcase classname='a.B' name='x'/>\
         </testsuite></testsuite><testcase name='top'/></testsuite>",
        expect![[r"
            top/a.B/x | Passed - | -
            top | Passed - | -
        "]],
    );
}

#[test]
fn dotnet_in_four_spellings() {
    check(
        "<assemblies><assembly name='C:\\x.dll' time='0.3'><errors><error name='cleanup'><failure><message>gone</message></failure></error></errors>
          <collection><test name='N.T.Fine' type='N.T' method='Fine' result='Pass' time='0.1'/>
          <test name='N.T.Off' type='N.T' method='Off' result='Skip'><reason>later</reason></test>
          <test name='odd' type='N.T' result='Fail'><failure exception-type='E'><message>m</message><stack-trace>s</stack-trace></failure></test>
         </collection></assembly></assemblies>",
        expect![[r"
            cleanup | Error - | gone
            N.T/Fine | Passed 100 | -
            N.T/Off | Skipped - | later
            N.T/odd | Failed - | m
        "]],
    );
    check(
        "<test-run start-time='2026-01-02 03:04:05Z' duration='1.5'><test-suite><failure><message>one or more</message></failure>
          <test-case name='T(1.5)' fullname='N.C.T(1.5)' classname='N.C' result='Passed' duration='0.5'/>
          <test-case name='U' fullname='N.C.U' result='Failed' label='Error'><failure><message>boom</message></failure></test-case>
          <test-case fullname='N.C.V' result='Inconclusive'/><test-case fullname='N.C.W' result='Strange'/>
         </test-suite></test-run>",
        expect![[r#"
            N.C/T(1.5) | Passed 500 | -
            N.C/U | Error - | boom
            N.C/V | Skipped - | -
            N.C/W | Unknown("Strange") - | -
        "#]],
    );
    check(
        "<test-results><test-case name='N.C.a' executed='True' success='True' time='0.1'/><test-case name='N.C.b' executed='False'><reason><message>off</message></reason></test-case>
         <test-case name='N.C.c' executed='True'><failure><message>no</message></failure></test-case><test-case name='N.C.d' executed='True' success='Turue'/></test-results>",
        expect![[r#"
            N.C/a | Passed 100 | -
            N.C/b | Skipped - | off
            N.C/c | Failed - | no
            N.C/d | Unknown("turue") - | -
        "#]],
    );
    check(
        "<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'><Times start='2026-01-02T03:04:05+01:00'/><Results>
          <UnitTestResult testId='1' testName='Adds' outcome='Passed' duration='00:00:01.5'/>
          <UnitTestResult testId='2' testName='Rows' outcome='Failed'><InnerResults><UnitTestResult testId='2' testName='Rows (1)' outcome='Failed'>
            <Output><StdOut>x</StdOut><ErrorInfo><Message>no</Message><StackTrace>at</StackTrace></ErrorInfo></Output></UnitTestResult></InnerResults></UnitTestResult>
         </Results><TestDefinitions><UnitTest id='1'><TestMethod className='N.C, N, Version=1' name='Adds'/></UnitTest></TestDefinitions></TestRun>",
        expect![[r"
            N.C/Adds | Passed 1500 | -
            Rows (1) | Failed - | no
        "]],
    );
}

#[test]
fn damage_is_named_with_its_place() {
    check(
        "<testsuite>\n<testcase name='a'/>\n<testcase name='b'><failure message='f'/>",
        expect![[r"
            a | Passed - | -
            b | Failed - | f
            Malformed 3:42 ends before its elements do
        "]],
    );
    check(
        "<testsuite>\n<testcase name='a'/>\n<testcase name='b'></testsuite>",
        expect![[r"
            a | Passed - | -
            Malformed 3:20 ill-formed document: expected `</testcase>`, but `</testsuite>` was found
        "]],
    );
    check(
        "<testsuite><testcase name='a' time=></testsuite>",
        expect![[r"
        Malformed 1:12 position 23: `=` must be followed by an attribute value
        Malformed 1:37 ill-formed document: expected `</testcase>`, but `</testsuite>` was found
    "]],
    );
    check(
        "",
        expect![[r"
        Malformed 1:1 holds no element
    "]],
    );
    check(
        "{\"no\": \"xml\"}",
        expect![[r"
        Malformed 1:14 holds no element
    "]],
    );
    check(
        "<html><body/></html>",
        expect![[r"
        Unsupported 1:1 <html> is the root of no report we know
    "]],
    );
    check(
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><testsuite><testcase name='&e; &amp;'><failure>&e;</failure></testcase></testsuite>",
        expect![[r"
            &e; &amp; | Failed - | &e;
        "]],
    );
    let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='\xFC'/></testsuite>";
    assert_eq!(read(latin, &Limits::default()).cases[0].name.as_deref(), Some("\u{fc}"));
}

#[test]
fn limits_hold_at_and_beyond() {
    let limits = Limits { cases_max: 2, depth_max: 3, text_bytes_max: 4 };
    let show = |xml: &str| shown(&read(xml.as_bytes(), &limits));
    expect![[r"
        a | Passed - | -
        b | Passed - | -
    "]]
    .assert_eq(&show("<testsuite><testcase name='a'/><testcase name='b'/></testsuite>"));
    expect![[r"
        a | Passed - | -
        b | Passed - | -
        Truncated 1:104 1 tests beyond the first 2 are only counted
    "]]
    .assert_eq(&show(
        "<testsuite><testcase name='a'/><testcase name='b'/><testcase name='c'><failure/></testcase></testsuite>",
    ));
    expect![[r"
        a | Failed - | 1234
    "]]
    .assert_eq(&show("<testsuite><testcase name='a'><failure>12345</failure></testcase></testsuite>"));
    expect![[r"
        üü | Failed - | -
        Truncated 1:42 elements deeper than 3 left out
    "]]
    .assert_eq(&show("<testsuite><testcase name='üüü'><failure><b/></failure></testcase></testsuite>"));
    let deep = format!("{}{}", "<testsuite>".repeat(100_000), "</testsuite>".repeat(100_000));
    assert_eq!(read(deep.as_bytes(), &Limits::default()).findings.len(), 1);
}
