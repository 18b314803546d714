//! Test results as Jenkins keeps them beside a build.

use super::HEADER;
use crate::company::Conclusion;

const SUITES: [(&str, &[&str]); 5] = [
    (
        "InvoiceTest",
        &["roundsToCents", "splitsByTaxRate", "keepsOrderOfLines", "rejectsNegativeTotals", "printsCurrency"],
    ),
    ("DunningTest", &["remindsAfterTwoWeeks", "stopsWhenPaid", "skipsHolidays", "countsPartialPayments"]),
    ("ExportTest", &["writesEveryRowOnce", "escapesSeparators", "resumesAfterCrash", "usesUtf8"]),
    ("TaxTest", &["knowsAllCountries", "usesRateOfTheDay", "handlesReverseCharge"]),
    ("CalendarTest", &["endOfMonth", "leapYears", "clockChange"]),
];

/// Results of build `number`. A failed build has one or two failed tests, the same ones for some builds in a row; a
/// cancelled one stopped after the first suites.
pub(super) fn results(number: usize, conclusion: Conclusion) -> String {
    let n_suites = match conclusion {
        Conclusion::Success | Conclusion::Failure => SUITES.len(),
        Conclusion::Cancelled | Conclusion::TimedOut => 2,
    };
    let suites: String = SUITES[..n_suites]
        .iter()
        .enumerate()
        .map(|(index, (name, cases))| {
            let broken =
                (conclusion == Conclusion::Failure && index == number / 4 % SUITES.len()).then_some(number % 2);
            suite(name, cases, number, broken)
        })
        .collect();
    format!(
        "{HEADER}<result plugin=\"junit@1335.v6b_a_a_e18534e1\">\n  <suites>\n{suites}  </suites>\n  <duration>{}.25</duration>\n  <keepLongStdio>false</keepLongStdio>\n</result>\n",
        60 + number % 40
    )
}

fn suite(name: &str, cases: &[&str], number: usize, broken: Option<usize>) -> String {
    let class = format!("example.nordwind.billing.{name}");
    let case = |(index, test): (usize, &&str)| {
        let (seconds, skipped) = ((number + index * 7) % 4, *test == "clockChange");
        let failed = broken == Some(index);
        let error = if failed {
            "          <errorStackTrace>java.lang.AssertionError: expected:&lt;12.30&gt; but was:&lt;12.29&gt;</errorStackTrace>\n          <errorDetails>expected:&lt;12.30&gt; but was:&lt;12.29&gt;</errorDetails>\n"
        } else {
            ""
        };
        let since = if failed { number } else { 0 };
        format!(
            "        <case>\n          <duration>{seconds}.{:03}</duration>\n          <className>{class}</className>\n          <testName>{test}</testName>\n          <skipped>{skipped}</skipped>\n{error}          <failedSince>{since}</failedSince>\n        </case>\n",
            number * 37 % 1_000
        )
    };
    let cases: String = cases.iter().enumerate().map(case).collect();
    format!(
        "    <suite>\n      <file>build/test-results/TEST-{class}.xml</file>\n      <name>{class}</name>\n      <duration>0.0</duration>\n      <cases>\n{cases}      </cases>\n    </suite>\n"
    )
}
