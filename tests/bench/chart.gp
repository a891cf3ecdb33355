# SPDX-License-Identifier: MIT
#
# gnuplot -e 'data="FILE"; index=N; out="FILE.svg"; label="..."' chart.gp: bars of each library for each
# operation, of `bench_report plot`.
set terminal svg size 1000,420 font "sans,11" background "white"
set output out
set datafile separator "\t"
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.85 noborder
set ylabel label
set grid ytics lc rgb "#dddddd"
set xtics rotate by -30 font ",9" noenhanced
set key top center horizontal noenhanced
set boxwidth 0.9
columns = system(sprintf("head -n 1 %s | tr -cd '\\t' | wc -c", data)) + 0
plot for [i=2:columns+1] data index index using i:xtic(1) title columnheader(i)
