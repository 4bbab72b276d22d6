#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# bench_files.sh: nfbench compare and plot: files of JSON lines, made by hand.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

# row NS P25 P75 [FLOOR [RULES]]: a line as nfbench writes it.
row() {
	jq -nc --argjson ns "$1" --argjson p25 "$2" --argjson p75 "$3" \
		--argjson floor "${4:-50}" --argjson rules "${5:-100}" \
		'{set: "acl", rules: $rules, family: "inet", engine: "hash",
		hook: "key", trace: "random", floor_ns: $floor, ns: $ns,
		p25: $p25, p75: $p75, ratio: ($ns / $floor),
		added_ns: ($ns - $floor), kernel: "6.18", cpu: "one"}'
}
old=$tmp/old.json new=$tmp/new.json
row 100 98 103 >"$old"
# compares TEXT STATUS PATTERN [OPTION...]
compares() {
	local text=$1 status=$2 pattern=$3
	shift 3
	says "compare: $text" "$status" "$pattern" \
		nfbench compare "$@" "$old" "$new"
}
cp "$old" "$new"
compares 'the same is the same' 0 'random .* same$'
row 125 121 127 >"$new"
compares 'worse is a regression' 1 ' 125\.0 .* WORSE$'
compares 'a share that it stays below' 0 ' 125\.0 .* same$' --worse 60
compares 'what is added counts by itself' 1 'WORSE$' --worse 40
row 125 101 140 >"$new"
compares 'quartiles that overlap are noise' 0 ' 125\.0 .* noise$'
row 80 79 82 >"$new"
compares 'better is none' 0 ' 80\.0 .* better$'
row 200 196 206 100 >"$new"
compares 'a machine half as fast is none' 0 ' 200\.0 .* same$'
row 100 98 103 40 >"$new"
compares 'more floors than before, on a faster machine' 1 'WORSE$'
row 100 98 103 50 7 >"$new"
compares 'a missing row is named' 3 '^acl +100 inet .* missing in the new file$'
compares 'and so is a new one' 3 '^acl +7 inet .* only in the new file$'
row 125 121 127 >>"$new"
row 100 98 103 50 8 >>"$old"
compares 'a regression beside a missing row is one' 1 'WORSE$'
row 100 98 103 50 8 >"$new"
row 100 98 103 >>"$new"
compares 'rows are found in any order' 0 '2 same, .* 0 missing, 0 only new'
{ row 100 98 103 && echo '{"set": "acl",'; } >"$new"
compares 'damaged JSON has its place' 2 "$new:2: column [0-9]+: "
row 100 98 103 | jq -c 'del(.hook)' >"$new"
compares 'a line without a hook' 2 "$new:1: .*hook"
row 100 103 98 >"$new"
compares 'quartiles around no median' 2 "$new:1: times that do not fit"
{ row 100 98 103 && row 101 98 103; } >"$new"
compares 'a case that is there twice' 2 "$new:2: the same case as in $new:1"
: >"$new"
compares 'an empty file' 2 "$new: no measurement in it"
rm "$new"
compares 'no file' 2 "$new: No such file"
says 'compare: two files it takes' 2 'compare takes two files' \
	nfbench compare "$old"
says 'compare: no share is refused' 2 '--worse is 1 to 1000 percent' \
	nfbench compare --worse 1001 "$old" "$old"
whole() { # each file, against itself
	local file
	for file in bench/results/*.json; do
		nfbench compare "$file" "$file" | tail -n 1 |
			grep -q '^0 worse .* 0 missing, 0 only new$' || return
	done
}
fact 'compare: results of ours are whole' whole

# panel ENGINE NS RULES: a line of a curve.
panel() {
	row "$2" "$(($2 - 2))" "$(($2 + 3))" 50 "$3" |
		jq -c --arg engine "$1" '.engine = $engine'
}
for rules in 1 1000 10000; do
	panel none 50 $rules
	panel hash $((60 + rules / 1000)) $rules
	panel "nft's <&>" $((70 + rules)) $rules
done >"$old"
jq -c '.set = "fw"' "$old" >"$new"
if command -v gnuplot >/dev/null; then
	says 'plot: two files become an SVG' 0 '' \
		nfbench plot "$old" "$new" -o "$tmp/out.svg"
	fact 'plot: it is XML' xmllint --noout "$tmp/out.svg"
	# elements XPATH: how many there are.
	elements() {
		xmllint --xpath "count(//*$1)" "$tmp/out.svg"
	}
	# titled TEXT: how many lines of a key say so.
	titled() {
		elements "[local-name()='text'][normalize-space()=\"$1\"]"
	}
	fact 'plot: a curve for each engine of each set' test \
		"$(titled 'hash key') $(titled "nft's <&> key")" = '2 2'
	fact 'plot: a floor in each, and none twice' test \
		"$(titled 'floor key') $(titled 'none key')" = '2 0'
	fact 'plot: and all of them are drawn' test \
		"$(elements '[starts-with(@id, "gnuplot_plot_")][.//*[@d]]')" = 6
	says 'plot: no place for the SVG' 3 "$tmp/no/out.svg: No such file" \
		nfbench plot "$old" -o "$tmp/no/out.svg"
	says 'plot: results of ours are drawn' 0 '' \
		nfbench plot bench/results/rules.json -o "$tmp/rules.svg"
else
	for fact in 'two files become an SVG' 'it is XML' \
		'a curve for each engine of each set' \
		'a floor in each, and none twice' 'all of them are drawn' \
		'no place for the SVG' 'results of ours are drawn'; do
		skip "plot: $fact" 'gnuplot is not installed'
	done
fi
says 'plot: gnuplot is missing' 3 'gnuplot is not installed' \
	env PATH=/nowhere "$bin/nfbench" plot "$old" -o "$tmp/none.svg"
fact 'plot: and nothing is left of it' test \
	"$(find "$tmp" -name 'none.svg*' | wc -l)" = 0
says 'plot: an output it takes' 2 'plot takes a file or more, and --output' \
	nfbench plot "$old"
says 'plot: a case of both files' 2 "$old:1: the same case as in $old:1" \
	nfbench plot "$old" "$old" -o "$tmp/none.svg"
panel hash 60 0 >"$new"
says 'plot: no rules' 2 "$new:1: no rules" \
	nfbench plot "$new" -o "$tmp/none.svg"
panel none 50 1 >"$new"
says 'plot: floors alone' 2 'nothing to draw' \
	nfbench plot "$new" -o "$tmp/none.svg"
finish
