#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench_throughput.sh: nfbench throughput: its lines, what it says without iperf3,
# and that no iperf3 outlives it, however it ends. As root, small runs.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/cli/bench_lines.sh
. "$(dirname "$0")/bench_lines.sh"

says 'a peer that it has not' 2 '--peers of throughput is nft or none' \
	nfbench throughput --peers iptables
says 'an option of others is refused' 2 \
	'--hook is not an option of "nfbench throughput"' \
	nfbench throughput --hook xdp
says 'no time is refused' 2 '--time is 1 to 10000 ms' \
	nfbench throughput --time 10001
if [ "$(id -u)" != 0 ]; then
	for fact in 'each way, direction and filter has a line' \
		'iperf3 must be there' 'what iperf3 says is told' \
		'one that breaks leaves none' 'one that is interrupted leaves none'; do
		skip "$fact" 'needs root'
	done
	finish
	exit
fi

# shellcheck disable=SC2154 # bench_lines.sh's
lines 'each way, direction and filter has a line' 20 \
	"${sound/.rounds == 2/.rounds == 1} and .passed >= .packets / 2 and
	.packets >= 32000 and (.packets_s * .ns / 1e9 | . > 0.999 and . < 1.001) and
	(.iperf3 | test(\"^3[.]\")) and
	(.cpus | test(if $(nproc) > 1 then \"^[0-9]+,[0-9]+$\" else \"^[0-9]+$\" end)) and
	(.engine != \"inline\" or .hook == \"tcx/tcx\")" \
	nfbench throughput --json --family inet6 --rounds 1 --time 1
fact 'and none is there twice' jq -se '[group_by([.set, .engine, .trace])[] |
	length] == [range(20) | 1]' "$tmp/lines"
says 'they go through compare' 0 '20 same, .* 0 missing, 0 only new' \
	nfbench compare "$tmp/lines" "$tmp/lines"

# In place of iperf3 is what speaks for it; the real one has a path of its own
# then, by which it is found.
cp "$(command -v iperf3)" "$tmp/real"
cat >"$tmp/stand-in" <<STAND_IN
#!/bin/bash
[[ \$* != *--client* ]] || [ ! -e "$tmp/breaks" ] || { cat "$tmp/breaks"; exit 1; }
exec "$tmp/real" "\$@"
STAND_IN
chmod +x "$tmp/stand-in"
# FILE ARG... behind it: nfbench throughput with FILE in place of iperf3
# shellcheck disable=SC2016 # the inner shell's
in_place=(unshare --mount bash -c 'mount --bind "$0" "$(command -v iperf3)" &&
	exec env --default-signal nfbench throughput --peers none --family inet "$@"')
left() { # what still runs of it
	pgrep -f "^$tmp/real "
}
none_left() { # soon
	for _ in {1..100}; do
		left >/dev/null || return 0
		sleep 0.1
	done
	return 1
}
says 'iperf3 must be there' 3 'iperf3 is not installed \(Debian: iperf3\)$' \
	"${in_place[@]}" /dev/null
echo '{"error": "unable to connect"}' >"$tmp/breaks"
says 'what iperf3 says is told' 3 \
	'inet up by the lan under .*: iperf3: unable to connect$' \
	"${in_place[@]}" "$tmp/stand-in"
fact 'one that breaks leaves none' none_left
rm "$tmp/breaks"

# ended SIGNAL PATTERN: so it is when a PATTERN of its iperf3 runs, and then
# nothing of it is left.
ended() {
	local pid
	"${in_place[@]}" "$tmp/stand-in" --time 10000 >/dev/null &
	pid=$!
	for _ in {1..600}; do
		pgrep -P "$pid" -f "^$tmp/real .*--$2" && break
		sleep 0.1
	done
	pgrep -P "$pid" -f "^$tmp/real .*--server" || return
	kill "-$1" "$pid"
	wait "$pid"
	none_left
}
fact 'one that is interrupted leaves none' ended INT client
fact 'nor one that is terminated' ended TERM server
fact 'nor one that is killed' ended KILL server
finish
