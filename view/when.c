// SPDX-License-Identifier: GPL-2.0-or-later
/* when.c - see when.h. Written by hand: strptime() takes half a time for a whole one. */
#include "view/when.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* Exactly digits digits at *at. -1: not there. */
static int number(const char **at, int digits)
{
	int value = 0;

	for (; digits; digits--, (*at)++) {
		if (**at < '0' || **at > '9')
			return -1;
		value = value * 10 + (**at - '0');
	}
	return value;
}

/* c and then two digits of at most max. */
static int behind(const char **at, char c, int max)
{
	int value;

	if (**at != c)
		return -1;
	(*at)++;
	value = number(at, 2);
	return value > max ? -1 : value;
}

/* "", "Z", "+02:00" or "-0530": seconds east of UTC. */
static int parse_zone(const char **at, int64_t *east)
{
	int sign, h, m;

	*east = 0;
	if (**at == 'Z' || **at == 'z') {
		(*at)++;
		return 0;
	}
	if (**at != '+' && **at != '-')
		return 0;
	sign = **at == '-' ? -1 : 1;
	h = behind(at, **at, 14);
	m = **at == ':' ? behind(at, ':', 59) : number(at, 2);
	if (h < 0 || m < 0 || m > 59)
		return -EINVAL;
	*east = sign * (h * 3600 + m * 60);
	return 0;
}

static int parse_iso(const char *at, int64_t *seconds)
{
	struct tm tm = {0};
	int64_t east = 0;
	int day, month;

	tm.tm_year = number(&at, 4) - 1900;
	month = behind(&at, '-', 12);
	day = behind(&at, '-', 31);
	if (tm.tm_year < 70 || month < 1 || day < 1)
		return -EINVAL;
	tm.tm_mon = month - 1;
	tm.tm_mday = day;
	if (*at == 'T' || *at == 't' || *at == ' ') {
		tm.tm_hour = behind(&at, *at, 23);
		tm.tm_min = behind(&at, ':', 59);
		if (*at == ':')
			tm.tm_sec = behind(&at, ':', 60);
		if (tm.tm_hour < 0 || tm.tm_min < 0 || tm.tm_sec < 0 || parse_zone(&at, &east))
			return -EINVAL;
	}
	if (*at)
		return -EINVAL;
	*seconds = timegm(&tm) - east;
	return tm.tm_mon == month - 1 ? 0 : -EINVAL; /* timegm() made a March of February 30 */
}

int when_parse(const char *text, int64_t now, int64_t *seconds)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};
	int64_t count = 0;
	const char *at = text;
	size_t i;

	for (; *at >= '0' && *at <= '9' && count < 1000000000; at++)
		count = count * 10 + (*at - '0');
	for (i = 0; at != text && *at && !at[1] && i < sizeof(units) / sizeof(units[0]); i++)
		if (*at == units[i].unit) {
			*seconds = now - count * units[i].seconds;
			return 0;
		}
	return parse_iso(text, seconds);
}

const char *when_text(int64_t seconds, char *text)
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, WHEN_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(text, WHEN_TEXT_SIZE, "%" PRId64, seconds);
	return text;
}

const char *when_span(int64_t seconds, char *text)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (units[i].seconds > 1 && seconds < 2 * units[i].seconds)
		i++;
	seconds /= units[i].seconds;
	snprintf(text, WHEN_TEXT_SIZE, "%" PRId64 " %s%s", seconds, units[i].name, seconds == 1 ? "" : "s");
	return text;
}
