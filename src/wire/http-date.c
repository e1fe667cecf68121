/* SPDX-License-Identifier: MIT */
/* http-date.c - dates as HTTP has them (RFC 9110 5.6.7). */

#include "wire/http-date.h"

#include <string.h>

#include "base/put.h"

#define LAST 253402300799 /* 31 December 9999, 23:59:59 */

static const char weekdays[] = "ThuFriSatSunMonTueWed"; /* 1 January 1970 was a Thursday */
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

struct day {
    int year;
    unsigned month; /* from 0 */
    unsigned day;   /* from 1 */
};

static bool is_leap(int year) {
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned month_length(int year, unsigned month) {
    static const unsigned char lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return lengths[month] + (month == 1 && is_leap(year));
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The calendar day `n_days` after 1 January 1970, counted off: years first by the 400-year cycle.
 */
static struct day find_day(unsigned n_days) {
    struct day ret = {.year = 1970 + (int)(n_days / 146097) * 400};
    unsigned length;

    n_days %= 146097;
    while (n_days >= (length = is_leap(ret.year) ? 366 : 365)) {
        n_days -= length;
        ret.year++;
    }
    while (n_days >= (length = month_length(ret.year, ret.month))) {
        n_days -= length;
        ret.month++;
    }
    ret.day = n_days + 1;
    return ret;
}

bool sp_http_is_date(int64_t unix_seconds) {
    return unix_seconds >= 0 && unix_seconds <= LAST;
}

char *sp_http_write_date(char *at, int64_t unix_seconds) {
    unsigned n_days, seconds;
    struct day day;

    unix_seconds = unix_seconds < 0 ? 0 : unix_seconds > LAST ? LAST : unix_seconds;
    n_days = (unsigned)(unix_seconds / 86400);
    seconds = (unsigned)(unix_seconds % 86400);
    day = find_day(n_days);

    at = sp_put(at, weekdays + (size_t)3 * (n_days % 7), 3);
    at = sp_put(at, ", ", 2);
    at = sp_put_digits(at, day.day, 2);
    *at++ = ' ';
    at = sp_put(at, months + (size_t)3 * day.month, 3);
    *at++ = ' ';
    at = sp_put_digits(at, (unsigned)day.year, 4);
    *at++ = ' ';
    at = sp_put_digits(at, seconds / 3600, 2);
    *at++ = ':';
    at = sp_put_digits(at, seconds / 60 % 60, 2);
    *at++ = ':';
    at = sp_put_digits(at, seconds % 60, 2);
    return sp_put(at, " GMT", 4);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What is left to read; `is_bad` once something did not fit. */
struct reader {
    const char *at, *end;
    bool is_bad;
};

static void skip(struct reader *reader, const char *text) {
    size_t size = strlen(text);

    if ((size_t)(reader->end - reader->at) < size || memcmp(reader->at, text, size) != 0) {
        reader->is_bad = true;
        return;
    }
    reader->at += size;
}

static unsigned digits(struct reader *reader, int n_digits) {
    unsigned number = 0;

    for (; n_digits > 0; n_digits--, reader->at++) {
        if (reader->at == reader->end || *reader->at < '0' || *reader->at > '9') {
            reader->is_bad = true;
            return 0;
        }
        number = number * 10 + (unsigned)(*reader->at - '0');
    }
    return number;
}

/* The index of the three letters that come next. */
static unsigned name(struct reader *reader, const char *names) {
    for (unsigned i = 0; reader->end - reader->at >= 3 && names[(size_t)3 * i]; i++) {
        if (memcmp(reader->at, names + (size_t)3 * i, 3) == 0) {
            reader->at += 3;
            return i;
        }
    }
    reader->is_bad = true;
    return 0;
}

static unsigned read_clock(struct reader *reader) {
    unsigned hour, minute, second;

    hour = digits(reader, 2);
    skip(reader, ":");
    minute = digits(reader, 2);
    skip(reader, ":");
    second = digits(reader, 2);
    reader->is_bad |= hour > 23 || minute > 59 || second > 60;
    return hour * 3600 + minute * 60 + second;
}

/* 50 years ahead at most, or it is of the past (RFC 9110 5.6.7). */
static int full_year(int short_year, int64_t now) {
    int this_year = find_day((unsigned)(now / 86400)).year;
    int year = this_year / 100 * 100 + short_year;

    if (year > this_year + 50) {
        year -= 100;
    } else if (year + 100 <= this_year + 50) {
        year += 100;
    }
    return year;
}

/* "06 Nov 1994" or, with a dash, "06-Nov-94". */
static struct day read_day(struct reader *reader, const char *between, int64_t now) {
    struct day ret;

    ret.day = digits(reader, 2);
    skip(reader, between);
    ret.month = name(reader, months);
    skip(reader, between);
    ret.year = *between == '-' ? full_year((int)digits(reader, 2), now) : (int)digits(reader, 4);
    return ret;
}

/* "Nov  6 08:49:37 1994" */
static struct day read_asctime(struct reader *reader, unsigned *ret_clock) {
    struct day ret;

    ret.month = name(reader, months);
    skip(reader, " ");
    if (reader->at < reader->end && *reader->at == ' ') {
        reader->at++;
        ret.day = digits(reader, 1);
    } else {
        ret.day = digits(reader, 2);
    }
    skip(reader, " ");
    *ret_clock = read_clock(reader);
    skip(reader, " ");
    ret.year = (int)digits(reader, 4);
    return ret;
}

static struct day read_any(struct reader *reader, unsigned *ret_clock, int64_t now) {
    static const char *const rest[] = {"rsday", "day", "urday", "day", "day", "sday", "nesday"};
    unsigned weekday = name(reader, weekdays);
    struct day day;

    if (reader->at < reader->end && *reader->at == ' ') {
        reader->at++;
        return read_asctime(reader, ret_clock);
    }
    if (reader->at < reader->end && *reader->at == ',') {
        skip(reader, ", ");
        day = read_day(reader, " ", now);
    } else {
        skip(reader, rest[weekday]);
        skip(reader, ", ");
        day = read_day(reader, "-", now);
    }
    skip(reader, " ");
    *ret_clock = read_clock(reader);
    skip(reader, " GMT");
    return day;
}

/* Days from 1 January 1970 to this one; years from 1 to 9999, and 50 more of two digits. */
static int64_t days_to(const struct day *day) {
    int64_t before = day->year - 1;
    int64_t n_days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;

    for (unsigned month = 0; month < day->month; month++) {
        n_days += month_length(day->year, month);
    }
    return n_days + day->day - 1;
}

bool sp_http_read_date(int64_t *ret, const char *text, size_t size, int64_t now) {
    struct reader reader = {text, text + size, false};
    unsigned seconds = 0;
    struct day day;

    now = now < 0 ? 0 : now > LAST ? LAST : now;
    day = read_any(&reader, &seconds, now);
    if (reader.is_bad || reader.at != reader.end || day.year < 1 || day.day < 1 ||
        day.day > month_length(day.year, day.month)) {
        return false;
    }
    *ret = days_to(&day) * 86400 + seconds;
    return true;
}
