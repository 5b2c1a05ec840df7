#include "cli/banner.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

static void print_ipv4(const struct banner *banner, struct in_addr address, uint16_t port) {
	char text[INET_ADDRSTRLEN];
	if (inet_ntop(AF_INET, &address, text, sizeof(text)) == NULL) return;
	bool loopback = (ntohl(address.s_addr) >> 24) == IN_LOOPBACKNET;
	fprintf(banner->out, " - http://%s:%u", text, (unsigned)port);
	if (loopback) fprintf(banner->out, " (http://localhost:%u)", (unsigned)port);
	fputc('\n', banner->out);
}

// One line for each address of this machine.
static void print_interfaces(const struct banner *banner, uint16_t port) {
	struct ifaddrs *list;
	if (getifaddrs(&list) != 0) return;
	for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
		if (entry->ifa_addr == NULL || entry->ifa_addr->sa_family != AF_INET) continue;
		struct sockaddr_in address;
		memcpy(&address, entry->ifa_addr, sizeof(address));
		print_ipv4(banner, address.sin_addr, port);
	}
	freeifaddrs(list);
}

void banner_print(const struct banner *banner, uint16_t port) {
	struct str host = banner->host.len > 0 ? banner->host : STR("0.0.0.0");
	bool everywhere = str_eq_cstr(host, "0.0.0.0") || str_eq_cstr(host, "::");
	bool ipv6 = str_find(host, ':') >= 0;
	const char *open = ipv6 ? "[" : "", *close = ipv6 ? "]" : "";
	fprintf(banner->out, "\n\t%sInngest Dev Server online %sat %s%.*s%s:%u, visible at the following URLs:\n\n",
		banner->colour ? "\033[1m" : "", banner->colour ? "\033[0m" : "", open, STR_ARG(host), close,
		(unsigned)port);
	if (everywhere)
		print_interfaces(banner, port);
	else
		fprintf(banner->out, " - http://%s%.*s%s:%u\n", open, STR_ARG(host), close, (unsigned)port);
	if (banner->discovery)
		fputs("\n\tScanning for available serve handlers.\n"
		      "\tTo disable scanning run `inngest dev` with flags: --no-discovery -u <your-serve-url>\n",
		      banner->out);
	fputc('\n', banner->out);
	fflush(banner->out);
}
