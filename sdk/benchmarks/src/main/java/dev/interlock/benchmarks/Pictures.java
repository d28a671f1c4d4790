package dev.interlock.benchmarks;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** The report's pictures, SVG files in its folder. Each is on a light card of its own, so that it reads on a dark page too. */
public final class Pictures {

    /** Told apart by people who see red and green alike too: blue, orange, green, purple, grey, sky. */
    private static final Color[] COLOURS = {
        new Color(0x0072B2),
        new Color(0xD55E00),
        new Color(0x009E73),
        new Color(0x9B4F96),
        new Color(0x7A7A7A),
        new Color(0x56B4E9)
    };

    private static final Color INK = new Color(0x24292F);
    private static final Color FAINT = new Color(0xE1E4E8);

    /** One of a hundred thousand: further out a run has too few to tell. */
    private static final double FARTHEST = 1e5;

    private final Path folder;

    Pictures(Path folder) {
        this.folder = folder;
    }

    /** Operations a second against how many do them; every axis from 0. */
    public void throughput(String name, String title, String xTitle, String yTitle, Map<String, Line> lines)
            throws IOException {
        XYChart chart = chart(title, xTitle, yTitle);
        chart.getStyler().setXAxisMin(0.0).setYAxisMin(0.0);
        draw(chart, lines, true);
        write(name, chart);
    }

    /** A value against a depth that grows tenfold from point to point. */
    public void depth(String name, String title, String xTitle, String yTitle, Map<String, Line> lines)
            throws IOException {
        XYChart chart = chart(title, xTitle, yTitle);
        chart.getStyler().setYAxisMin(0.0).setXAxisLogarithmic(true).setXAxisLogarithmicDecadeOnly(true);
        draw(chart, lines, true);
        write(name, chart);
    }

    /** Within which time all but one of so many were done, from every second to one of a hundred thousand; both axes grow tenfold. */
    public void latency(String name, String title, Map<String, Histogram> nanos) throws IOException {
        XYChart chart = chart(title, "one of so many is slower (2: the median, 100: p99)", "milliseconds");
        chart.getStyler()
                .setXAxisLogarithmic(true)
                .setXAxisLogarithmicDecadeOnly(true)
                .setYAxisLogarithmic(true)
                .setYAxisLogarithmicDecadeOnly(false);
        Map<String, Line> curves = new LinkedHashMap<>();
        nanos.forEach((of, histogram) -> curves.put(of, curve(histogram)));
        draw(chart, curves, false);
        write(name, chart);
    }

    private static Line curve(Histogram nanos) {
        Line line = new Line();
        double farthest = Math.min(FARTHEST, Math.max(2.0, (double) nanos.getTotalCount()));
        for (double oneOf = 2; oneOf <= farthest; oneOf *= 1.1) {
            line.add(oneOf, nanos.getValueAtPercentile(100 - 100 / oneOf) / 1e6);
        }
        return line;
    }

    private static XYChart chart(String title, String xTitle, String yTitle) {
        XYChart chart = new XYChartBuilder()
                .width(760)
                .height(430)
                .title(title)
                .xAxisTitle(xTitle)
                .yAxisTitle(yTitle)
                .build();
        XYStyler styler = chart.getStyler();
        styler.setLocale(Locale.ROOT)
                .setAxisTickLabelsFont(font(Font.PLAIN, 12))
                .setAxisTitleFont(font(Font.PLAIN, 13))
                .setAxisTickMarksColor(FAINT)
                .setAxisTickLabelsColor(INK)
                .setAxisTicksMarksVisible(false)
                .setPlotGridLinesColor(FAINT)
                .setPlotGridLinesStroke(new BasicStroke(1))
                .setXAxisDecimalPattern("#,##0.###")
                .setYAxisDecimalPattern("#,##0.###")
                .setXAxisTitleColor(INK)
                .setYAxisTitleColor(INK);
        styler.setChartTitleFont(font(Font.BOLD, 15))
                .setChartTitleBoxVisible(false)
                .setChartFontColor(INK)
                .setChartBackgroundColor(Color.WHITE)
                .setPlotBackgroundColor(Color.WHITE)
                .setPlotBorderVisible(false)
                .setChartPadding(14)
                .setLegendFont(font(Font.PLAIN, 12))
                .setLegendPosition(LegendPosition.OutsideS)
                .setLegendLayout(LegendLayout.Horizontal)
                .setLegendBorderColor(Color.WHITE)
                .setLegendBackgroundColor(Color.WHITE)
                .setSeriesColors(COLOURS)
                .setMarkerSize(8);
        return chart;
    }

    private static Font font(int style, int size) {
        return new Font(Font.SANS_SERIF, style, size);
    }

    private static void draw(XYChart chart, Map<String, Line> lines, boolean points) {
        lines.forEach((name, line) -> chart.addSeries(name, line.x, line.y)
                .setMarker(points ? SeriesMarkers.CIRCLE : SeriesMarkers.NONE)
                .setLineStyle(new BasicStroke(2.2f, BasicStroke.CAP_ROUND, BasicStroke.JOIN_ROUND)));
    }

    private void write(String name, XYChart chart) throws IOException {
        ByteArrayOutputStream svg = new ByteArrayOutputStream();
        VectorGraphicsEncoder.saveVectorGraphic(chart, svg, VectorGraphicsFormat.SVG);
        // A hundredth of a pixel is enough.
        Files.writeString(
                folder.resolve(name + ".svg"),
                svg.toString(StandardCharsets.UTF_8).replaceAll("(\\.\\d{2})\\d+", "$1"));
    }

    /** The points of one line, from left to right. */
    public static final class Line {
        private final List<Double> x = new ArrayList<>();
        private final List<Double> y = new ArrayList<>();

        /** One more point. */
        public Line add(double atX, double value) {
            x.add(atX);
            y.add(value);
            return this;
        }
    }
}
