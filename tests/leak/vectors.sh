#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# vectors.sh: a library; the ways out, a row each:
#     id | flags | who tries | what a leaked frame looks like | text
# with try_ID, and where something has to be there before the guard, prep_ID.
# Flags: h in the representative half, 4 over a tunnel of IPv4 alone, t seen in
# the tunnel, not on the uplink.
#
# Every row must leak in the column "none": it is its own positive control.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/columns.sh"

web="(host $lab_web4 or host $lab_web6)"
endpoint_udp="udp and dst host $lab_endpoint4 and dst port $lab_endpoint_port"
# Payload "nfr " where WireGuard has a type from 1 to 4.
endpoint_own="$endpoint_udp and udp[8:4] = 0x6e667220"
box="(host $world_box4 or host $world_box6)"
tunnel4=10.64.0.2
# Who has the web server? ("and" and "or" bind alike in these filters.)
asked6="(icmp6 and ip6[40] = 135 and ip6[48:4] = 0x20010db8 and ip6[52:2] = 0x80)"

# Whatever may be seen on the uplink. All else is a stray, in every row.
# shellcheck disable=SC2034 # for the users of this library
may="($endpoint_udp and not udp[8:4] = 0x6e667220) or igmp
	or (arp and (arp[6:2] = 2 or dst net 192.168.0.0/16 or dst net 10.0.0.0/8))
	or (udp and port 67 and port 68 and (dst host 255.255.255.255 or
	dst host $lab_router4))
	or (icmp6 and ip6[40] >= 133 and ip6[40] <= 136 and
	(ip6[40] != 135 or ip6[48] = 0xfe or ip6[48] = 0xfd or
	(ip6[48:4] = 0x20010db8 and (ip6[52:2] = 1 or ip6[52:2] = 2))) and
	(dst net fe80::/10 or dst net ff02::/16 or dst net fd00::/8
	or dst net 2001:db8:1::/64 or dst net 2001:db8:2::/64))
	or (ip6 and dst host ff02::16)
	or ((dst net 192.168.0.0/16 or dst net 10.0.0.0/8 or dst net fd00::/8)
	and not port 53 and not port 853)"

vectors() {
	cat <<-END
	plain|h|nobody|$web|plain application: web, UDP, ping, both families
	bound|h|nobody|$web|SO_BINDTODEVICE to the uplink
	bound_root|-|root|$web|SO_BINDTODEVICE to the uplink, by root
	pktinfo|-|nobody|$web|IP_PKTINFO and IP_UNICAST_IF choose the uplink
	srcbind|-|nobody|$web|source address of the uplink bound
	packet_raw|h|CAP_NET_RAW|$web|AF_PACKET, whole frames
	packet_dgram|-|CAP_NET_RAW|$web|AF_PACKET, SOCK_DGRAM
	packet_bypass|h|CAP_NET_RAW|$web|AF_PACKET with PACKET_QDISC_BYPASS
	xdp|h|CAP_NET_RAW|$web|AF_XDP transmit
	rawip|h|CAP_NET_RAW|$web|raw IP socket bound to the uplink
	vlan|h|CAP_NET_RAW|vlan|VLAN tag
	qinq|-|CAP_NET_RAW|ether proto 0x88a8|QinQ tags
	priority|-|CAP_NET_RAW|vlan 0|VLAN tag 0, which the next hop ignores
	pppoe|-|CAP_NET_RAW|ether proto 0x8864|PPPoE session
	mpls|-|CAP_NET_RAW|ether proto 0x8847|MPLS label
	ethertype|h|CAP_NET_RAW|ether proto 0x88b6 or ether proto 0x9999 or ether proto 0x22f3|unknown EtherTypes
	llc|-|CAP_NET_RAW|ether[12:2] <= 1500|IEEE 802.3, LLC and SNAP
	fragments|h|CAP_NET_RAW|$web|fragments, first and later, both families
	tiny|-|CAP_NET_RAW|$web|tiny first fragments
	headers|h|CAP_NET_RAW|$web or (ether proto 0x0800 and ether[14] >> 4 != 4) or (ether proto 0x86dd and ether[14] >> 4 != 6)|odd lengths, versions and header chains
	truncated|-|CAP_NET_RAW|$web|headers cut short
	within|-|CAP_NET_RAW|$web|IP in IP: protocols 4, 41, 47
	gso_packet|-|CAP_NET_RAW|$web|GSO super-packet by AF_PACKET
	packet_ring|-|CAP_NET_RAW|$web|AF_PACKET, a ring of mapped memory
	protocols|h|CAP_NET_RAW|$web|SCTP, DCCP, UDP-Lite, ESP, AH and others
	chains|h|CAP_NET_RAW|$web|IPv6: atomic fragments, fragments in fragments, rare headers
	spoofed|-|CAP_NET_RAW|$web|sources of others: loopback, the router, the endpoint, groups
	fastopen|h|nobody|$web|TCP Fast Open: data in the SYN, bound
	mptcp|-|nobody|$web|MPTCP, bound; a further subflow by the uplink
	groups|h|nobody|igmp or (ip6 and (dst host ff02::16 or dst host ff05::7:8))|groups joined on the uplink: IGMP and MLD
	gso_udp|-|nobody|$web|UDP_SEGMENT, bound to the uplink
	offload|h|CAP_NET_RAW|host $lab_web4|address rewritten by checksum offload
	source_route|h|CAP_NET_RAW|port 7101 or ip6 proto 43|source route by way of the excluded router
	mark|-|root|$web|SO_MARK = the tunnel's mark, any destination
	mark_message|h|CAP_NET_RAW|$web|the mark as a control message
	endpoint|h|nobody|$endpoint_own|own payload to the endpoint, bound
	endpoint_mark|-|CAP_NET_RAW|$endpoint_own|own payload to the endpoint, SO_MARK
	endpoint_packet|-|CAP_NET_RAW|$endpoint_own|own payload to the endpoint, AF_PACKET
	endpoint_rawip|h|CAP_NET_RAW|$endpoint_own|own payload to the endpoint, raw IP socket, the tunnel's port
	endpoint_forged|-|CAP_NET_RAW|$endpoint_own|own payload to the endpoint, AF_PACKET, the tunnel's port
	endpoint_pieces|-|CAP_NET_RAW|dst host $lab_endpoint4 and ip[6:2] & 0x3fff != 0|own payload to the endpoint in fragments
	endpoint_killed|h|nobody|$endpoint_own|own payload to the endpoint, daemon killed, its port taken
	endpoint_root|-|root|$endpoint_own|own payload to the endpoint, by root
	endpoint_box|-|container|$endpoint_own|own payload to the endpoint, container forwarded
	endpoint_macvlan|-|container|$endpoint_own|own payload to the endpoint, macvlan child of the uplink
	endpoint_port|-|nobody|host $lab_endpoint4 and port 7004|other port of the endpoint (ServerIP)
	endpoint_route|-|nobody|host $lab_endpoint4 and port 7004|the same with a host route (ServerIP)
	dhcp_ports|h|CAP_NET_RAW|$web|DHCP's ports to the internet
	dhcp_payload|-|CAP_NET_RAW|port 67 and udp[8:4] = 0x6e667220|DHCP's ports in the LAN, own payload
	ndp_far|h|CAP_NET_RAW|$web|neighbour discovery to the internet, hop limit 255
	arp_far|h|CAP_NET_RAW|arp and dst host $lab_web4|ARP for a destination, AF_PACKET
	arp_payload|-|CAP_NET_RAW|arp and greater 100|ARP that carries a payload
	arp_own|-|CAP_NET_RAW|arp[14:4] = 0x0a400002|ARP from the tunnel's address, AF_PACKET
	wrapped_lan|h|CAP_NET_RAW|dst net 192.168.0.0/16 and (ip proto 4 or ip proto 41 or ip proto 47)|IP in IP to the excluded router
	seg6|-|root's tools|ip6 proto 43|route that wraps in segments (seg6), by way of the excluded router
	ndp_types|h|CAP_NET_RAW|$web|neighbour discovery's types to the internet
	multicast|-|nobody|port 7008|multicast and broadcast
	dns_isp|-|nobody|port 53|DNS to the ISP's resolver, bound
	dns_lan|h|nobody|port 53|DNS to the LAN's resolver
	dns_ll|h|nobody|port 53|DNS to the router's fe80 address
	dns_tcp|-|nobody|port 53 or port 853|DNS by TCP and TLS to the LAN's resolver
	dns_claimed|h|nobody|port 53|DNS to the tunnel's resolver, address claimed by the LAN
	option121|h|nobody|$web|DHCP option 121 (TunnelVision)
	localnet|-|nobody|host $world_claimed4 and not arp|LAN claims a public prefix (LocalNet)
	localnet_arp|h|nobody|(arp and dst host $world_claimed4) or (icmp6 and ip6[40] = 135 and ip6[48:4] = 0x20010db8 and ip6[52:2] = 0x66)|ARP and NS for a destination
	ra_route|-|nobody|$web|rogue RA with more specific routes
	ra_beside|h4|nobody|dst host $lab_web6|rogue RA beside a tunnel of IPv4
	uplink2|-|nobody|$web|second uplink, socket bound to it
	uplink2_default|-|nobody|$web|second uplink with a better default route
	uplink2_raw|h|CAP_NET_RAW|$web or vlan|second uplink, AF_PACKET
	renamed|-|nobody|$web|uplink renamed
	moved|-|nobody|$web|uplink moved to another namespace and back
	recreated|h|nobody|$web|uplink made again under its name
	flapped|-|nobody|$web|uplink down and up
	routes|-|nobody|$web|more specific routes lead to the uplink (another VPN)
	rules|-|nobody|$web|routing rules flushed
	vpn2|h|nobody|$web|another VPN's own device and transport (VXLAN)
	killed|h|nobody|$web|tunnel's daemon killed
	deleted|-|nobody|$web|tunnel deleted
	down|-|nobody|$web|tunnel set down
	tunnel_renamed|-|nobody|$web|tunnel renamed
	tunnel_moved|-|nobody|$web|tunnel moved to another namespace and back
	imp_name|h|nobody|$web|tunnel's name taken by another device
	imp_index|h|nobody|$web|tunnel's ifindex taken by another device
	imp_both|-|nobody|$web|tunnel's name and ifindex taken
	before|h|nobody|$web|flow from before the tunnel, bound
	accepted|h|nobody|src port 7033 and host $lab_web4|connection taken before the tunnel was there
	closing|-|nobody|src host $tunnel4|connection of the tunnel's address, tunnel down, then closed
	queued|-|nobody|$web|frames that wait in the uplink's queue when the guard comes
	macvlan|h|container|$web|macvlan child of the uplink
	macvtap|-|root's tools|$web|macvtap child of the uplink, frames by its file
	bridged|-|container|$web|VM bridged to the uplink
	bridged_later|-|container|$web|VM bridged to the uplink after the load
	box|-|container|$box and $web|container forwarded, tunnel up
	box_down|h|container|$box and $web|container forwarded, tunnel down
	box_spoof|-|container|$web|container forges the client's source
	probe|h|router|src host $tunnel4 or src host fd00:64::2|probes for the tunnel's address (CVE-2019-14899)
	arp_reply|h|router|arp[6:2] = 2 and arp[14:4] = 0x0a400002|ARP reply for the tunnel's address
	errors|-|router|$web|the kernel's own errors: stray segments, unknown protocols and options, timestamps
	proxy|h|router|arp[6:2] = 2 and arp[14:4] = 0x0a400001|proxy ARP for what is inside of the tunnel
	proxy_ndp|-|router|icmp6 and ip6[40] = 136 and ip6[48:4] = 0xfd000064 and ip6[60:4] = 1|proxy neighbour discovery for what is inside of the tunnel
	answers|h|router|$web|the kernel's own answers: RST, unreachable, echo
	tunnel_source|ht|nobody|src host $lab_client4 or src host $lab_client6|source of the uplink inside the tunnel
	tunnel_forged|t|CAP_NET_RAW|src host $lab_client4 or src host $lab_client6|raw IP socket forges the uplink's source inside the tunnel
	box_inside|ht|container|src host $world_box4 or src host $world_box6|container's own address inside the tunnel
	source_own|-|CAP_NET_RAW|src host $tunnel4|source of the tunnel on the uplink
	flush|-|root's tools|$web|another tool flushes nftables and iptables
	clsact_front|h|root's tools|$web|another tool's clsact filter in front
	clsact_gone|-|root's tools|$web|another tool deletes the clsact qdisc
	tcx_front|-|root's tools|$web|another tool's tcx program in front
	mirrored|-|root's tools|ether[0] = 0x45 or ether[0] = 0x60|another tool's tc filter mirrors the tunnel's inside to the uplink
	nft_dup|-|root's tools|$web|another tool's nftables duplicates packets to the uplink
	reload|h|nobody|$web|reload under flood
	stop|h|nobody|$web|VPN stopped, guard left
	dontroute|h|nobody|(arp and dst host $lab_web4) or $asked6 or $web|SO_DONTROUTE, bound: asked for on the link
	transparent|h|CAP_NET_RAW|$web|IP_TRANSPARENT: a source of others, bound
	ping_socket|-|nobody|$web|ping's own sockets, bound
	zerocopy|-|nobody|$web|MSG_ZEROCOPY, bound
	uring|h|nobody|$web|io_uring: send and send_zc, bound
	udplite|-|nobody|$web|UDP-Lite's sockets, bound
	multicast_if|-|nobody|port 7046|IP_MULTICAST_IF chooses the uplink
	ttl|-|nobody|$web|hop limit 1, bound
	pieces|h|nobody|$web|datagrams that the kernel cuts, bound
	mapped|-|nobody|$web|IPv4 by an IPv6 socket, bound
	raw_udp|-|CAP_NET_RAW|$web|raw sockets of a protocol, bound
	options|h|nobody|port 7101 or ip6 proto 43|source route as a socket's option, by way of the excluded router
	endpoint_mapped|-|nobody|$endpoint_own|own payload to the endpoint, by an IPv6 socket
	endpoint_large|-|nobody|dst host $lab_endpoint4 and ip[6:2] & 0x3fff != 0|own payload to the endpoint, which the kernel cuts
	endpoint_uring|-|nobody|$endpoint_own|own payload to the endpoint, by io_uring
	link_protocols|h|CAP_NET_RAW|ether proto 0x888e or ether proto 0x88cc or ether proto 0x88e5 or ether proto 0x0842 or ether proto 0x88f7 or ether proto 0x8035 or ether[12:2] = 39 or ether[12:2] = 38|EAPOL, LLDP, MACsec, wake-on-LAN, PTP, RARP, spanning tree
	arp_odd|h|CAP_NET_RAW|arp and not (arp[0:4] = 0x00010800 and arp[4:2] = 0x0604)|ARP of other kinds and lengths, with a text
	dhcp_valid|-|CAP_NET_RAW|$web|DHCP's own messages to the internet
	tunnel_packet|t|CAP_NET_RAW|src host $lab_client4 or src host $lab_client6|AF_PACKET forges the uplink's source inside the tunnel
	box_large|-|container|$box and $web|container's large datagrams and pieces forwarded, tunnel down
	keepalive|h|nobody|$web|idle connection from before: the kernel's keepalives
	orphan|-|nobody|$web|connection from before, its owner killed
	timewait|h|router|$web|connection closed before, stray segments for it
	challenge|-|router|$web|idle connection from before, stray segments for it
	file_sent|-|nobody|$web|connection from before: sendfile
	killed_socket|-|root's tools|$web|connection from before, ended by ss -K
	redirected|h|root's tools|dst host 10.64.0.1 or dst host fd00:64::1|another tool's tc program redirects the tunnel's inside to the uplink
	cloned|-|root's tools|dst host 10.64.0.1 or dst host fd00:64::1|another tool's tc program clones the tunnel's inside to the uplink
	nft_egress|-|root's tools|ether[0] = 0x45 or ether[0] = 0x60|another tool's nftables duplicates the tunnel's inside to the uplink
	neighbour_asked|-|root's tools|(arp and dst host $lab_web4) or $asked6|another tool has the kernel ask for a destination
	listener|h|router|$web|a server's answers: SYN cookies, UDP
	queried|-|router|(igmp and not igmp[0] = 0x11) or (ip6 and dst host ff02::16)|which groups are joined: IGMP and MLD queries
	group_asked|-|router|$web|echo and errors asked of groups
	reassembly|h|router|$web|first fragments that nothing follows: time exceeded
	handed|-|router|$web|packets to be handed on: forwarded back, redirects, hop limits
	localhost|-|router|$web|probes for 127.0.0.1, route_localnet on
	ra_onlink|-|nobody|dst host $lab_web6 or $asked6|rogue RA with a prefix on the link
	lease_wide|h|nobody|$web|DHCP: half of the internet is on the link
	link_local|-|nobody|port 7064 or (arp and dst host 169.254.7.7)|link-local addresses, which are not excluded
	userns|h|nobody|$web|sockets taken along into a user namespace, bound
	rebound|-|nobody|$web|connected inside, then bound to the uplink
	corked|-|nobody|$web|a datagram begun before the guard, bound
	filled|-|nobody|$web|80,000 flows to excluded hosts, then bound and AF_PACKET
	ns_far|h|CAP_NET_RAW|$asked6|neighbour solicitation for a destination, AF_PACKET
	odd_destinations|h|CAP_NET_RAW|udp port 7103|mapped, 6to4, NAT64, loopback and reserved destinations
	fragment_follow|-|CAP_NET_RAW|$web|first fragment to an excluded host, the next elsewhere
	icmp_quote|h|CAP_NET_RAW|(icmp or icmp6) and ($web or host $lab_endpoint4)|ICMP errors that quote an allowed flow
	packet_old|-|CAP_NET_RAW|$web|AF_PACKET, SOCK_PACKET
	bypass_uring|h|CAP_NET_RAW|$web|PACKET_QDISC_BYPASS set by io_uring
	bypass_before|h|CAP_NET_RAW|$web|AF_PACKET with PACKET_QDISC_BYPASS from before the guard
	macvlan_bypass|-|container|$web|macvlan child, PACKET_QDISC_BYPASS, AF_XDP, SOCK_PACKET
	macvlan_asks|-|container|(arp and dst host $lab_web4) or $asked6|macvlan child, its kernel asks for a destination
	bridge_packet|-|CAP_NET_RAW|$web|AF_PACKET on a bridge and its port
	bridge_kernel|-|root's tools|igmp or (ip6 and dst host ff02::1 and ip6[6] = 0) or ether[12:2] <= 1500|a bridge's own frames: queries for groups, spanning tree
	tun|-|nobody|port 7070 or (src host 172.16.6.2 and dst host $lab_endpoint4)|tun device of an application's, forwarded, tunnel down
	dnat|h|root's tools|$web|another tool's nftables translates what goes to the LAN
	endpoint_dnat|-|root's tools|$endpoint_own|the same, to the endpoint
	nft_reject|-|root's tools|$web|another tool's nftables rejects probes
	netdev_reject|-|root's tools|$web|the same, at the device
	synproxy|-|root's tools|$web|another tool's nftables answers for a server (synproxy)
	nft_forward|-|root's tools|$web|another tool's nftables forwards a container's frames
	tc_redirect|-|root's tools|$web|another tool's tc filter redirects a container's frames
	xdp_redirect|-|root's tools|$web|another tool's XDP program redirects a container's frames
	endpoint_vxlan|-|root's tools|$endpoint_udp and udp[8:4] = 0x08000000|another VPN's VXLAN to the endpoint, the tunnel's port
	uplink_as_tunnel|-|root's tools|$web|the uplink gets the tunnel's name, then a reload
	uplink_as_loopback|-|root's tools|$web|the uplink gets the loopback's name, then a reload
	apply_killed|h|nobody|$web|reloads that end by SIGKILL, under flood
	apply_starved|-|nobody|$web|reloads without memory, descriptors, room, under flood
	late_macvlan|h|container|$web|a second uplink appears, and a macvlan child of it
	late_flushed|-|root's tools|$web|another tool flushes nftables, then a second uplink appears: AF_PACKET
	late_blocked|h|CAP_NET_RAW|$web|VPN stopped, guard left, then a second uplink appears: AF_PACKET
	late_dup|-|root's tools|dst host 10.64.0.1 or dst host fd00:64::1 or ether[0] = 0x45 or ether[0] = 0x60|a second uplink appears, nftables duplicates the tunnel's inside to it
	lease_own|-|nobody|src host $tunnel4 or (arp and arp[14:4] = 0x0a400002 and arp[24:4] != 0x0a400002)|DHCP: the lease is the tunnel's own address
	box_masqueraded|-|container|$web|container forwarded, masqueraded, tunnel down
	imp_flow|-|nobody|port 7082|flow from inside goes on, the tunnel's name, ifindex and address taken
	resolver_claimed|h|nobody|dst host $lab_tunnel_dns and (port 443 or port 1080)|the tunnel's resolver by other ports, address claimed by the LAN
	queue_rewrites|h|root's tools|$web|another tool's filter rewrites what waits in the uplink's queue
	clsact_behind|-|root's tools|$web|another tool's clsact filter behind the edge rewrites
	dns_large|-|nobody|dst host $lab_router4 and ip[6:2] & 0x3fff != 0|DNS to the LAN's resolver, which the kernel cuts
	neighbour_afar|h|router|(icmp6 and dst host $lab_web6) or $asked6|neighbour solicitations from elsewhere: answers, and probes
	neighbour_aged|-|root's tools|(arp and dst host $lab_web4) or $asked6|another tool makes destinations neighbours, which are probed
	route_rewrites|-|root's tools|$web|another tool's program on a route rewrites behind POST_ROUTING
	END
}

udp_both() { # PORT LEVEL [WAY=VALUE]...
	local port=$1 level=$2
	shift 2
	app "$level" udp "$port" $lab_web4 $lab_web6 "$@"
}

try_plain() {
	fetch nobody http://$lab_web4/ -o /dev/null
	fetch nobody "http://[$lab_web6]/" -o /dev/null
	udp_both 7001 nobody
	on client ping -q -c 2 -i 0.05 -W 0.3 $lab_web4 >/dev/null
	on client ping -q -c 2 -i 0.05 -W 0.3 $lab_web6 >/dev/null
}
try_bound() {
	udp_both 7002 nobody dev=eth0
	fetch nobody http://$lab_web4:8080/ --interface eth0 -o /dev/null
	fetch nobody "http://[$lab_web6]:8080/" --interface eth0 -o /dev/null
}
try_bound_root() {
	udp_both 7002 root dev=eth0
	on client ping -q -I eth0 -c 2 -i 0.05 -W 0.3 $lab_web4 >/dev/null
	on client ping -q -I eth0 -c 2 -i 0.05 -W 0.3 $lab_web6 >/dev/null
}
try_pktinfo() {
	udp_both 7005 nobody pktinfo=eth0
	udp_both 7005 nobody unicast=eth0
}
try_srcbind() {
	udp_both 7006 nobody src=$lab_client4
	udp_both 7006 nobody src=$lab_client6
}

try_packet_raw() { inject raw raw eth0 plain; }
try_packet_dgram() { inject raw dgram eth0 plain; }
try_packet_bypass() { inject raw bypass eth0 plain; }
try_xdp() { inject raw xdp eth0 plain; }
try_rawip() { inject raw rawip eth0 plain; }
try_vlan() { inject raw raw eth0 vlan; }
try_qinq() { inject raw raw eth0 qinq; }
try_priority() { inject raw raw eth0 priority; }
try_pppoe() { inject raw raw eth0 pppoe; }
try_mpls() { inject raw raw eth0 mpls; }
try_ethertype() { inject raw raw eth0 ethertype; }
try_llc() { inject raw raw eth0 llc; }
try_fragments() {
	inject raw raw eth0 fragments
	inject raw raw eth0 fragments6
	inject raw rawip eth0 fragments
}
try_tiny() { inject raw raw eth0 tiny; inject raw rawip eth0 tiny; }
try_headers() { inject raw raw eth0 headers; inject raw dgram eth0 headers; }
try_truncated() { inject raw raw eth0 truncated; }
try_within() { inject raw raw eth0 within; inject raw rawip eth0 within; }
try_gso_packet() { inject raw gso eth0 plain; }
try_packet_ring() { inject raw ring eth0 plain; }
try_protocols() {
	inject raw raw eth0 protocols
	inject raw rawip eth0 protocols
}
try_chains() { inject raw raw eth0 chains; inject raw rawip eth0 chains; }
try_spoofed() { inject raw raw eth0 spoofed; inject raw rawip eth0 spoofed; }
try_fastopen() {
	app nobody connect 7031 $lab_web4 dev=eth0 kind=fastopen
	app nobody connect 7031 $lab_web6 dev=eth0 kind=fastopen
}
try_mptcp() {
	app nobody connect 7032 $lab_web4 dev=eth0 kind=mptcp
	app nobody connect 7032 $lab_web6 dev=eth0 kind=mptcp
	lab_spawn internet $lab_python -BSE "$world_here/app.py" accept 3 7032 \
		kind=mptcp >"$lab_dir/mptcp.log" 2>&1
	world_daemons+=("$lab_pid")
	lab_until 5 'the server' grep -q listens "$lab_dir/mptcp.log"
	on client ip mptcp limits set subflow 2 add_addr_accepted 2
	on client ip mptcp endpoint add $lab_client4 dev eth0 subflow fullmesh
	app nobody connect 7032 $lab_web4 kind=mptcp
}
try_groups() { app nobody groups eth0 239.7.8.9 ff05::7:8; }
try_gso_udp() { udp_both 7003 nobody dev=eth0 gso=500; }
try_offload() {
	root $lab_python -BSE "$lab_top/tests/net/send.py" offload eth0 \
		"$lab_router_mac" 7010 $lab_web4
}
try_source_route() {
	inject raw raw eth0 source_route
	inject raw rawip eth0 source_route
}

try_mark() { udp_both 7003 root mark=$lab_mark; }
try_mark_message() { udp_both 7003 raw cmsgmark=$lab_mark; }
to_endpoint() { app "$@" count=10; }
try_endpoint() {
	to_endpoint nobody udp $lab_endpoint_port $lab_endpoint4 dev=eth0
}
try_endpoint_mark() {
	to_endpoint raw udp $lab_endpoint_port $lab_endpoint4 mark=$lab_mark
}
try_endpoint_packet() { inject raw raw eth0 endpoint count=10; }
try_endpoint_port() { app nobody udp 7004 $lab_endpoint4; }
try_endpoint_route() {
	ip -n client route add $lab_endpoint4 via $lab_router4
	app nobody udp 7004 $lab_endpoint4
}

try_dhcp_ports() { inject raw raw eth0 dhcp; inject raw rawip eth0 dhcp; }
try_ndp_types() { inject raw raw eth0 ndp; inject raw rawip eth0 ndp; }
try_multicast() {
	app nobody udp 7008 224.0.0.251 239.1.2.3 255.255.255.255 ff02::fb \
		ff05::2 dev=eth0
}

try_dns_isp() {
	ask $lab_isp_dns4 isp.example dev=eth0
	ask $lab_isp_dns6 isp.example dev=eth0
}
try_dns_lan() {
	ask $lab_router4 lan.example
	ask $lab_router6 lan.example
}
try_dns_ll() { ask $lab_router_ll%eth0 link.example; }
try_dns_tcp() {
	fetch nobody http://$lab_router4:53/ -o /dev/null
	fetch nobody https://$lab_router4:853/ -o /dev/null
}
