// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * interfaces.c - see interfaces.h.
 */
#include "store/interfaces.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "store/links.h"
#include "store/routes.h"

#define HOUR_S 3600
#define ETHERNET 14 /* bytes of headers; options are rare but for TCP's timestamps, which are in the 32 */
#define IPV4 20
#define IPV6 40
#define TCP 32
#define UDP 8
#define SCTP 28 /* with one chunk */

struct interfaces {
	const char *net_dir, *sys_dir;
	struct links links;
	struct routes routes;
	uint64_t netns;	 /* ours, 0 = not known */
	int64_t look_ms; /* monotonic, of the last look; 0 = none yet */
	int64_t hour;	 /* that waits, unix seconds; 0 = none */
	bool due;	 /* that hour is over, or somebody asks */
	struct wire_interfaces waits;
	/* since the last look */
	uint64_t program_sent, program_received;
	double program_headers; /* bytes of each flow by the size of its headers */
};

struct interfaces *interfaces_new(const char *net_dir, const char *sys_dir)
{
	struct interfaces *in = calloc(1, sizeof(*in));
	struct stat st;

	if (!in)
		return NULL;
	in->net_dir = net_dir;
	in->sys_dir = sys_dir;
	if (stat("/proc/self/ns/net", &st) == 0)
		in->netns = st.st_ino;
	return in;
}

void interfaces_free(struct interfaces *in)
{
	if (!in)
		return;
	links_free(&in->links);
	routes_free(&in->routes);
	free(in);
}

/* ---- the flows */

static bool is_zero(const uint8_t addr[WIRE_ADDR_SIZE])
{
	static const uint8_t zero[WIRE_ADDR_SIZE];

	return memcmp(addr, zero, sizeof(zero)) == 0;
}

/* Does a namespace with that address hang on this machine's network, rather than live on its own? Where no
 * interface has a device nobody can say. */
static bool is_connected(const struct interfaces *in, const struct wire_flow *f)
{
	enum route_way way;

	if (in->netns == 0 || f->netns == in->netns)
		return true;
	way = in->links.devices ? routes_find(&in->routes, f->family, f->laddr) : ROUTE_NONE;
	return way == ROUTE_INSIDE || way == ROUTE_NEAR;
}

/* Frames of a TUN/TAP device, or what the kernel sends for WireGuard and its kin: what is in them are the
 * bytes of programs, which count themselves. */
static bool is_tunnel(const struct wire_flow *f)
{
	return f->flags & WIRE_FLOW_TUNNEL || (f->image.tgid == 0 && f->protocol == IPPROTO_UDP);
}

static bool leaves(const struct interfaces *in, const struct wire_flow *f)
{
	enum route_way way;

	if (is_tunnel(f))
		return false;
	if (f->family == AF_PACKET)
		return in->netns == 0 || f->netns == in->netns;
	if ((f->family != AF_INET && f->family != AF_INET6) || !is_connected(in, f))
		return false;
	if (is_zero(f->raddr)) /* unknown */
		return !routes_loopback(f->family, f->laddr);
	if (memcmp(f->laddr, f->raddr, sizeof(f->laddr)) == 0)
		return false;
	way = routes_find(&in->routes, f->family, f->raddr);
	return way != ROUTE_SELF && way != ROUTE_INSIDE;
}

static unsigned headers(const struct wire_flow *f)
{
	unsigned bytes = ETHERNET + (f->family == AF_INET6 ? IPV6 : IPV4);

	if (f->family == AF_PACKET)
		return 0; /* the frame is all there is */
	switch (f->protocol) {
	case IPPROTO_TCP:
	case IPPROTO_MPTCP:
		return bytes + TCP;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		return bytes + UDP;
	case IPPROTO_SCTP:
		return bytes + SCTP;
	default: /* what a raw socket sends holds its own */
		return bytes;
	}
}

void interfaces_flow(struct interfaces *in, const struct wire_flow *f)
{
	if (!leaves(in, f))
		return;
	in->program_sent += f->sent_bytes;
	in->program_received += f->received_bytes;
	in->program_headers += (double)(f->sent_bytes + f->received_bytes) * headers(f);
}

/* ---- the counters */

static bool went_back(const struct link *now, const struct link *before)
{
	return now->sent_bytes < before->sent_bytes || now->received_bytes < before->received_bytes ||
	       now->packets < before->packets;
}

/* What the interfaces moved between two looks. */
static void add_growth(struct wire_interfaces *sums, const struct links *now, const struct links *before,
		       double header_bytes)
{
	const struct link *was;
	uint64_t packets = 0;
	size_t i;

	for (i = 0; i < now->count; i++) {
		const struct link *is = &now->link[i];

		was = is->kind == LINK_COUNTED ? links_find(before, is->name) : NULL;
		if (!was || was->kind != LINK_COUNTED || went_back(is, was))
			continue;
		sums->sent_bytes += is->sent_bytes - was->sent_bytes;
		sums->received_bytes += is->received_bytes - was->received_bytes;
		packets += is->packets - was->packets;
	}
	sums->packets += packets;
	sums->header_bytes += (uint64_t)((double)packets * header_bytes);
}

/* Per packet, as if all flows had packets of one size. */
static double mean_header(const struct interfaces *in)
{
	double bytes = (double)(in->program_sent + in->program_received);

	return bytes > 0 ? in->program_headers / bytes : ETHERNET + IPV4 + TCP;
}

/* While nothing can be written, hours add up in the row of the first. */
static void add_interval(struct interfaces *in, const struct links *before, int64_t now_s, int64_t now_ms,
			 bool asked)
{
	if (in->hour == 0)
		in->hour = now_s - now_s % HOUR_S;
	in->due |= asked || now_s - now_s % HOUR_S != in->hour;
	add_growth(&in->waits, &in->links, before, mean_header(in));
	in->waits.program_sent += in->program_sent;
	in->waits.program_received += in->program_received;
	in->waits.covered_ms += (uint64_t)(now_ms - in->look_ms);
}

bool interfaces_look(struct interfaces *in, int64_t now_s, int64_t now_ms, bool asked)
{
	struct links before = in->links;

	if (in->look_ms != 0 && !asked && now_ms - in->look_ms < INTERFACES_EVERY_MS)
		return false;
	memset(&in->links, 0, sizeof(in->links));
	if (links_read(&in->links, in->net_dir, in->sys_dir) < 0) {
		in->links = before;
		return false;
	}
	(void)routes_read(&in->routes, in->net_dir, &in->links);
	if (in->look_ms != 0)
		add_interval(in, &before, now_s, now_ms, asked);
	links_free(&before);
	in->look_ms = now_ms;
	in->program_sent = in->program_received = 0;
	in->program_headers = 0;
	return true;
}

/* ---- the rows */

bool interfaces_due(const struct interfaces *in)
{
	return in->due;
}

int interfaces_write(struct interfaces *in, struct sqlite *s)
{
	static const char add[] =
		"INSERT INTO interface_hour(bucket, covered_ms, interface_send, interface_recv, packets, "
		"headers,"
		" send, recv) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET covered_ms ="
		" covered_ms + ?2, interface_send = interface_send + ?3, interface_recv = interface_recv + "
		"?4,"
		" packets = packets + ?5, headers = headers + ?6, send = send + ?7, recv = recv + ?8";
	const struct wire_interfaces *w = &in->waits;
	sqlite3_stmt *stmt;
	int rc;

	if (in->hour == 0)
		return 0;
	stmt = sqlite_statement(s, add);
	sqlite3_bind_int64(stmt, 1, in->hour);
	sqlite3_bind_int64(stmt, 2, (int64_t)w->covered_ms);
	sqlite3_bind_int64(stmt, 3, (int64_t)w->sent_bytes);
	sqlite3_bind_int64(stmt, 4, (int64_t)w->received_bytes);
	sqlite3_bind_int64(stmt, 5, (int64_t)w->packets);
	sqlite3_bind_int64(stmt, 6, (int64_t)w->header_bytes);
	sqlite3_bind_int64(stmt, 7, (int64_t)w->program_sent);
	sqlite3_bind_int64(stmt, 8, (int64_t)w->program_received);
	rc = sqlite_run(s, stmt);
	return rc != 0 ? rc
		       : sqlite_run2(s, "DELETE FROM interface_hour WHERE bucket < ?1 - ?2", in->hour,
				     INTERFACES_DAYS * 24 * HOUR_S);
}

void interfaces_written(struct interfaces *in)
{
	memset(&in->waits, 0, sizeof(in->waits));
	in->hour = 0;
	in->due = false;
}

static void add_rows(struct sqlite *s, int64_t from_s, struct wire_interfaces *sums)
{
	static const char day[] = "SELECT sum(covered_ms), sum(interface_send), sum(interface_recv), "
				  "sum(packets), sum(headers),"
				  " sum(send), sum(recv) FROM interface_hour WHERE bucket > ?1";
	sqlite3_stmt *stmt = s->db ? sqlite_statement(s, day) : NULL;

	if (!stmt)
		return;
	sqlite3_bind_int64(stmt, 1, from_s);
	if (sqlite_step(s, stmt) != 1)
		return;
	sums->covered_ms += (uint64_t)sqlite3_column_int64(stmt, 0);
	sums->sent_bytes += (uint64_t)sqlite3_column_int64(stmt, 1);
	sums->received_bytes += (uint64_t)sqlite3_column_int64(stmt, 2);
	sums->packets += (uint64_t)sqlite3_column_int64(stmt, 3);
	sums->header_bytes += (uint64_t)sqlite3_column_int64(stmt, 4);
	sums->program_sent += (uint64_t)sqlite3_column_int64(stmt, 5);
	sums->program_received += (uint64_t)sqlite3_column_int64(stmt, 6);
	sqlite3_reset(stmt);
}

void interfaces_day(const struct interfaces *in, struct sqlite *s, int64_t now_s, struct wire_interfaces *day)
{
	*day = in->waits;
	add_rows(s, now_s - 24 * HOUR_S, day);
	day->to_ns = (wire_ns)now_s * 1000000000u;
}
