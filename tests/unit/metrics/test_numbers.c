/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <unistd.h>

#include "metrics/labels.h"
#include "metrics/numbers.h"
#include "metrics/process.h"
#include "metrics/statistics.h"
#include <string.h>

static void check(const char *out, char *end, const char *expected)
{
    assert_true(end - out <= NUMBER_SIZE);
    *end = '\0';
    assert_string_equal(out, expected);
}

static void whole_numbers(void **state)
{
    (void)state;
    char out[NUMBER_SIZE + 1];
    check(out, number_unsigned(out, 0), "0");
    check(out, number_unsigned(out, 1234567890), "1234567890");
    check(out, number_unsigned(out, UINT64_MAX), "18446744073709551615");
}

static void seconds(void **state)
{
    (void)state;
    char out[NUMBER_SIZE + 1];
    check(out, number_seconds(out, 0), "0");
    check(out, number_seconds(out, 2000), "2");
    check(out, number_seconds(out, 1500), "1.5");
    check(out, number_seconds(out, 1001), "1.001");
    check(out, number_seconds(out, 1700000000120), "1700000000.12");
    check(out, number_seconds(out, -50), "-0.05");
    check(out, number_seconds(out, INT64_MIN), "-9223372036854775.808");
}

static void doubles_are_the_shortest_that_read_back_equal(void **state)
{
    (void)state;
    char out[NUMBER_SIZE + 1];
    check(out, number_double(out, 0), "0");
    check(out, number_double(out, 0.1), "0.1");
    check(out, number_double(out, 0.1 + 0.2), "0.30000000000000004");
    check(out, number_double(out, 1e300), "1e+300");
    check(out, number_double(out, -1.25e-300), "-1.25e-300");
    check(out, number_bound(out, 60), "60.0");
    check(out, number_bound(out, 0.005), "0.005");
}

static void labels_are_escaped(void **state)
{
    (void)state;
    auto_buffer texts = {.maximum = 4096};
    buffer_text(&texts, "before");
    size_t begin = texts.length;
    label_append(&texts, begin, "a", "back\\ quote\" line\n end");
    label_append(&texts, begin, "b", NULL);
    label_append(&texts, begin, "c", "gr\xC3\xBC\xC3\x9F");
    label_append(&texts, begin, "d", "broken \xFF\"");
    label_append_length(&texts, begin, "e", "cut here", 3);
    Text text = text_since(&texts, begin);
    assert_int_equal(text.at, begin);
    assert_string_equal(texts.bytes + text.at, "a=\"back\\\\ quote\\\" line\\n end\",b=\"\",c=\"gr\xC3\xBC\xC3\x9F\","
                                               "d=\"broken \\\\xff\\\"\",e=\"cut\"");
    assert_int_equal(text.length, strlen(texts.bytes + text.at));
}

static void requests_are_counted(void **state)
{
    (void)state;
    HttpStatistics statistics = {.handlers = {"/a", "/b"}};
    http_statistics_add(&statistics, 1, 404, 0.0015);
    http_statistics_add(&statistics, 1, 499, 100);
    http_statistics_add(&statistics, 1, 206, 0);
    http_statistics_add(&statistics, 1, 599, 0.001);
    http_statistics_add(&statistics, -1, 200, 1);
    http_statistics_add(&statistics, HTTP_HANDLERS_MAX, 200, 1);
    for (int i = 0; i < HTTP_CODES; i++) {
        int code = http_codes[i];
        uint64_t expected = code == 200 || code == 400 || code == 404 || code == 500;
        assert_int_equal(statistics.requests[1][i], expected);
        assert_int_equal(statistics.requests[0][i], 0);
    }
    assert_int_equal(statistics.duration_counts[1][0], 2); /* a value at a bound is within it */
    assert_int_equal(statistics.duration_counts[1][1], 1);
    assert_int_equal(statistics.duration_counts[1][HTTP_DURATION_BUCKETS], 1);
    assert_true(statistics.duration_sums[1] > 100 && statistics.duration_sums[1] < 100.01);
}

static void lag_is_counted(void **state)
{
    (void)state;
    LoopStatistics statistics = {0};
    loop_statistics_add(&statistics, 0);
    loop_statistics_add(&statistics, 7);
    assert_int_equal(statistics.lag_counts[0], 1);
    assert_int_equal(statistics.lag_counts[LOOP_LAG_BUCKETS], 1);
    assert_true(statistics.lag_sum == 7);
}

static void process_is_alive(void **state)
{
    (void)state;
    ProcessNumbers numbers = process_numbers();
    assert_true(numbers.resident_bytes > 100000 && numbers.virtual_bytes > numbers.resident_bytes);
    assert_true(numbers.open_files >= 1 && numbers.open_files <= numbers.open_files_max);
    assert_true(numbers.threads >= 1 && numbers.cpu_ms >= 0);
    int more[2];
    assert_int_equal(pipe(more), 0);
    assert_int_equal(process_numbers().open_files, numbers.open_files + 2);
    close(more[0]);
    close(more[1]);
    assert_int_equal(process_numbers().open_files, numbers.open_files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(seconds),
        cmocka_unit_test(doubles_are_the_shortest_that_read_back_equal),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(requests_are_counted),
        cmocka_unit_test(lag_is_counted),
        cmocka_unit_test(process_is_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
