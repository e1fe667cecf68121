/* SPDX-License-Identifier: MIT */
/* cookie-date.c - dates as cookies have them, in whatever order and form (RFC 6265 5.1.1). */

#include <string.h>
#include <strings.h>

#include "wire/cookie.h"

struct date {
    bool has_time, has_day, has_month, has_year;
    int hour, minute, second, day, month, year;
};

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_delimiter(unsigned char c) {
    return c == 0x09 || (c >= 0x20 && c <= 0x2f) || (c >= 0x3b && c <= 0x40) ||
           (c >= 0x5b && c <= 0x60) || (c >= 0x7b && c <= 0x7e);
}

/* `min` to `max` digits, and no digit behind them; NULL when that is not so. */
static const char *read_digits(int *ret, const char *at, const char *end, int min, int max) {
    int n = 0;

    *ret = 0;
    for (; at < end && n < max && is_digit(*at); n++) {
        *ret = *ret * 10 + (*at++ - '0');
    }
    return n >= min && (at == end || !is_digit(*at)) ? at : NULL;
}

static bool read_time(struct date *date, const char *at, const char *end) {
    at = read_digits(&date->hour, at, end, 1, 2);
    if (at && at < end && *at == ':') {
        at = read_digits(&date->minute, at + 1, end, 1, 2);
    } else {
        return false;
    }
    if (at && at < end && *at == ':') {
        return read_digits(&date->second, at + 1, end, 1, 2) != NULL;
    }
    return false;
}

static bool read_month(struct date *date, const char *at, const char *end) {
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";

    if (end - at < 3) {
        return false;
    }
    for (int i = 0; i < 12; i++) {
        if (strncasecmp(at, months + 3 * i, 3) == 0) {
            date->month = i + 1;
            return true;
        }
    }
    return false;
}

/* The first of each kind counts. */
static void take_token(struct date *date, const char *at, const char *end) {
    struct date read = *date;

    if (!date->has_time && read_time(&read, at, end)) {
        *date = read;
        date->has_time = true;
    } else if (!date->has_day && read_digits(&read.day, at, end, 1, 2)) {
        date->day = read.day;
        date->has_day = true;
    } else if (!date->has_month && read_month(&read, at, end)) {
        date->month = read.month;
        date->has_month = true;
    } else if (!date->has_year && read_digits(&read.year, at, end, 2, 4)) {
        date->year = read.year;
        date->has_year = true;
    }
}

static int days_of(int month, int year) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && is_leap);
}

static bool is_real(struct date *date) {
    if (!date->has_time || !date->has_day || !date->has_month || !date->has_year) {
        return false;
    }
    date->year += date->year >= 70 && date->year <= 99 ? 1900 : date->year < 70 ? 2000 : 0;
    return date->year >= 1601 && date->day >= 1 && date->day <= days_of(date->month, date->year) &&
           date->hour <= 23 && date->minute <= 59 && date->second <= 59;
}

/* Days since 1970-01-01 in the Gregorian calendar; years begin in March, so that leap days end
 * them. */
static int64_t days_since_epoch(int year, int month, int day) {
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

bool sp_cookie_date(int64_t *ret, const char *text, size_t size) {
    const char *at = text, *end = text + size;
    struct date date = {0};

    while (at < end) {
        const char *from;

        while (at < end && is_delimiter((unsigned char)*at)) {
            at++;
        }
        for (from = at; at < end && !is_delimiter((unsigned char)*at); at++) {
        }
        take_token(&date, from, at);
    }
    if (!is_real(&date)) {
        return false;
    }
    *ret = days_since_epoch(date.year, date.month, date.day) * 86400 + date.hour * 3600 +
           date.minute * 60 + date.second;
    return true;
}
