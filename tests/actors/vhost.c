// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vhost batch|single NAME COUNT SIZE [MORE] - a virtual machine without a machine: makes the TAP interface
 * NAME, hands it to vhost_net, and lets that send COUNT frames of SIZE bytes from its memory, several at once
 * or one by one; with MORE, says "ready" and waits until MORE frames of EtherType 0x88b5 came in. Says the
 * bytes of the frames.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/if_tun.h>
#include <linux/vhost.h>
#include <linux/virtio_ring.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "tests/actors/actor.h"

#define RING 256
#define HDR 12 /* struct virtio_net_hdr_mrg_rxbuf, as of virtio 1.0 */
#define BUFFER 2048
#define GUEST 0x100000 /* where the machine believes its memory to begin */
#define VERSION_1 32

enum {
	RX,
	TX
};

struct ring {
	struct vring vring;
	unsigned char *buffers;
	uint16_t seen;
	int kick, call;
};

static unsigned char *memory;
static size_t memory_size = 4 << 20, memory_used;

static void *take(size_t n)
{
	void *at = memory + memory_used;

	memory_used += (n + 4095) & ~4095UL;
	return at;
}

static int tap_open(const char *name, int sndbuf)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR};
	int fd = open(name[0] == '/' ? name : "/dev/net/tun", O_RDWR), hdr = HDR;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0)
		cannot("no TAP interfaces");
	if (name[0] != '/')
		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, TUNSETIFF, &ifr) || ioctl(fd, TUNSETVNETHDRSZ, &hdr))
		die("TUNSETIFF");
	if (ioctl(fd, TUNSETSNDBUF, &sndbuf)) /* vhost_net sends several at once only without a limit */
		die("TUNSETSNDBUF");
	ifr.ifr_flags = IFF_UP | IFF_RUNNING;
	if (name[0] != '/' && ioctl(s, SIOCSIFFLAGS, &ifr))
		die("up");
	close(s);
	return fd;
}

static void control(int fd, unsigned long request, void *arg, const char *what)
{
	if (ioctl(fd, request, arg))
		die(what);
}

static void ring_make(int vhost, struct ring *r, unsigned index, int tap)
{
	struct vhost_vring_state num = {index, RING}, base = {index, 0};
	struct vhost_vring_file kick = {index, r->kick = eventfd(0, 0)},
				call = {index, r->call = eventfd(0, 0)};
	struct vhost_vring_file backend = {index, tap};
	struct vhost_vring_addr addr = {.index = index};

	vring_init(&r->vring, RING, take(vring_size(RING, 4096)), 4096);
	r->buffers = take(RING * BUFFER);
	addr.desc_user_addr = (uintptr_t)r->vring.desc;
	addr.avail_user_addr = (uintptr_t)r->vring.avail;
	addr.used_user_addr = (uintptr_t)r->vring.used;
	control(vhost, VHOST_SET_VRING_NUM, &num, "VRING_NUM");
	control(vhost, VHOST_SET_VRING_BASE, &base, "VRING_BASE");
	control(vhost, VHOST_SET_VRING_ADDR, &addr, "VRING_ADDR");
	control(vhost, VHOST_SET_VRING_KICK, &kick, "VRING_KICK");
	control(vhost, VHOST_SET_VRING_CALL, &call, "VRING_CALL");
	control(vhost, VHOST_NET_SET_BACKEND, &backend, "SET_BACKEND");
}

static int vhost_open(void)
{
	struct {
		struct vhost_memory memory;
		struct vhost_memory_region region;
	} map = {.memory = {.nregions = 1}};
	uint64_t features = 1ULL << VERSION_1;
	int fd = open("/dev/vhost-net", O_RDWR);

	if (fd < 0)
		cannot("no /dev/vhost-net");
	memory = mmap(NULL, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	map.region = (struct vhost_memory_region){GUEST, memory_size, (uintptr_t)memory, 0};
	control(fd, VHOST_SET_OWNER, NULL, "SET_OWNER");
	control(fd, VHOST_SET_FEATURES, &features, "SET_FEATURES");
	control(fd, VHOST_SET_MEM_TABLE, &map, "SET_MEM_TABLE");
	return fd;
}

/* Buffer i goes to the device. */
static void give(struct ring *r, unsigned i, size_t len, bool writable)
{
	struct vring_avail *avail = r->vring.avail;

	r->vring.desc[i] = (struct vring_desc){GUEST + (r->buffers + i * BUFFER - memory), len,
					       writable ? VRING_DESC_F_WRITE : 0, 0};
	avail->ring[avail->idx % RING] = i;
	__atomic_store_n(&avail->idx, avail->idx + 1, __ATOMIC_SEQ_CST);
}

static void kick(struct ring *r)
{
	const uint64_t one = 1;

	if (write(r->kick, &one, sizeof(one)) != sizeof(one))
		die("kick");
}

/* The next buffer that the device is done with. */
static struct vring_used_elem *next(struct ring *r)
{
	struct pollfd p = {.fd = r->call, .events = POLLIN};
	uint64_t n;

	while (__atomic_load_n(&r->vring.used->idx, __ATOMIC_SEQ_CST) == r->seen)
		if (poll(&p, 1, 100) == 1 && read(r->call, &n, sizeof(n)) != sizeof(n))
			die("call");
	return &r->vring.used->ring[r->seen++ % RING];
}

static void send_frames(struct ring *tx, unsigned long long count, size_t size, struct moved *m)
{
	while (count) {
		unsigned n = count < RING ? count : RING;

		for (unsigned i = 0; i < n; i++) {
			unsigned char *frame = tx->buffers + i * BUFFER + HDR;

			memset(frame, 0xff, 12);
			memcpy(frame + 12, "\x88\xb5", 2);
			give(tx, i, size + HDR, false);
		}
		kick(tx);
		for (unsigned i = 0; i < n; i++, m->sent += size)
			next(tx);
		count -= n;
	}
}

static void receive_frames(struct ring *rx, unsigned long long more, struct moved *m)
{
	while (more) {
		struct vring_used_elem *used = next(rx);
		unsigned char *frame = rx->buffers + used->id * BUFFER + HDR;

		m->received += used->len - HDR;
		more -= frame[12] == 0x88 && frame[13] == 0xb5;
		give(rx, used->id, BUFFER, true);
		kick(rx);
	}
}

int main(int argc, char **argv)
{
	unsigned long long count, size, more;
	struct ring rx = {}, tx = {};
	struct moved m = {};
	int vhost, tap;

	if (argc < 5)
		usage("batch|single NAME COUNT SIZE [MORE]");
	count = amount(argv[3]);
	size = amount(argv[4]);
	more = argc > 5 ? amount(argv[5]) : 0;
	vhost = vhost_open();
	tap = tap_open(argv[2], strcmp(argv[1], "single") ? INT_MAX : 1 << 20);
	ring_make(vhost, &rx, RX, tap);
	ring_make(vhost, &tx, TX, tap);
	for (unsigned i = 0; more && i < RING; i++)
		give(&rx, i, BUFFER, true);
	if (more)
		kick(&rx);
	send_frames(&tx, count, size, &m);
	if (more)
		step("ready");
	receive_frames(&rx, more, &m);
	moved_say(&m);
	return 0;
}
