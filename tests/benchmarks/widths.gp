# The plot of what `widths` prints: gnuplot -e "data = 'widths.txt'; plot = 'widths.svg'" widths.gp
set terminal svg size 1200, 420 font "sans-serif, 12" background "white"
set output plot
set multiplot layout 1, 3
set logscale x 2
set xlabel "width of the layer"
set ylabel "GFLOP/s"
set yrange [0:*]
set xrange [4:2048]
set xtics (4, 16, 64, 256, 1024)
set grid
set key autotitle columnheader outside bottom center horizontal
batches = "1 32 256"
do for [i = 0:2] {
  set title "batch of " . word(batches, i + 1)
  stats data index i skip 1 nooutput
  plot for [peer = 2:STATS_columns] data index i using 1:peer with linespoints linewidth 2 pointtype 7 pointsize 0.4
}
unset multiplot
