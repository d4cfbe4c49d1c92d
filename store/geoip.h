/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * geoip.h - country and network of an address, as databases of MaxMind's format (.mmdb) on this machine say:
 * those of MaxMind, DB-IP and IPinfo, one for countries and one for networks, or one for both. The files are
 * mapped, not read; one that changes is opened anew, and one that is damaged says nothing. No network.
 */
#ifndef FEMTOSNITCH_STORE_GEOIP_H
#define FEMTOSNITCH_STORE_GEOIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/settings.h"

#define GEOIP_COUNTRY_SIZE 3 /* ISO 3166-1 alpha-2 */
#define GEOIP_NAME_MAX 255   /* bytes of the name of a network; longer ones are cut */

/* Where in the databases the answer is: equal answers of one geoip_generation() are the same. */
struct geoip_place {
	uint32_t country, network; /* 0 = none */
};

struct geoip_answer {
	char country[GEOIP_COUNTRY_SIZE]; /* "" = unknown */
	char name[GEOIP_NAME_MAX + 1];	  /* "" = unknown; any bytes */
	uint32_t number;		  /* 0 = unknown */
	int64_t dated_s;		  /* unix seconds: when the older of the databases was made */
};

struct geoip;
struct geoip *geoip_new(const char *state_dir); /* kept. NULL: no memory */
void geoip_free(struct geoip *);

/* Look whether there are databases, and still the same ones; not more often than every GEOIP_LOOK_S. True:
 * they are others now. */
#define GEOIP_LOOK_S 10
bool geoip_refresh(struct geoip *, const struct settings *);
uint64_t geoip_generation(const struct geoip *); /* another after each change */

/* Addresses are in network order. False: nobody knows. */
bool geoip_find(struct geoip *, int family, const uint8_t addr[16], struct geoip_place *);
void geoip_read(struct geoip *, const struct geoip_place *, struct geoip_answer *);

void geoip_trim(struct geoip *); /* give the memory of the files back: what is needed again is mapped again */

/* What is used, for people: "GeoIP: country 2026-11-01, network 2026-11-01", or how to get it. size bytes. */
void geoip_describe(const struct geoip *, char *text, size_t size);

#endif
