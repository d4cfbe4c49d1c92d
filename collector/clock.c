// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/clock.h"

#include <stdlib.h>
#include <time.h>

#define BREAK_NS 1000000000ll

static int64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * 1000000000ll + ts.tv_nsec;
}

struct clock_reading clock_read(void)
{
	return (struct clock_reading){
		.real_ns = read_ns(CLOCK_REALTIME),
		.boot_ns = read_ns(CLOCK_BOOTTIME),
		.mono_ns = read_ns(CLOCK_MONOTONIC),
	};
}

uint64_t clock_tick_ns(void)
{
	struct timespec ts;

	clock_getres(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_nsec > 0 ? (uint64_t)ts.tv_nsec : 4000000; /* 250 Hz, what most distributions build */
}

void clock_sync(struct clock *clock, uint64_t jiffies, struct clock_reading reading)
{
	if (clock->jiffies_now) {
		clock->before = clock->now;
		clock->jiffies_before = clock->jiffies_now;
	} else {
		clock->before = reading;
		clock->jiffies_before = jiffies;
	}
	clock->now = reading;
	clock->jiffies_now = jiffies;
}

enum clock_break clock_compare(const struct clock *clock, struct clock_reading reading, int64_t *by_ns)
{
	int64_t slept = (reading.boot_ns - reading.mono_ns) - (clock->now.boot_ns - clock->now.mono_ns);
	int64_t moved = (reading.real_ns - reading.boot_ns) - (clock->now.real_ns - clock->now.boot_ns);

	*by_ns = slept;
	if (slept > BREAK_NS)
		return CLOCK_SLEPT;
	*by_ns = moved;
	return llabs(moved) > BREAK_NS ? CLOCK_JUMPED : CLOCK_STEADY;
}

wire_ns clock_unix(const struct clock *clock, uint64_t jiffies)
{
	int64_t tick = clock_tick_ns();

	if (!jiffies)
		return 0;
	if (jiffies > clock->jiffies_now)
		return clock->now.real_ns + (int64_t)(jiffies - clock->jiffies_now) * tick;
	return clock->before.real_ns + (int64_t)(jiffies - clock->jiffies_before) * tick;
}
