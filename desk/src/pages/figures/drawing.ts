import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { init, use, type EChartsCoreOption } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, GridComponent, LegendComponent, TooltipComponent, CanvasRenderer]);

export interface Drawing {
  draw: (option: EChartsCoreOption) => void;
  end: () => void;
}

/** A chart in a box, as large as that is. */
export function drawIn(box: HTMLElement): Drawing {
  const chart = init(box);
  const observer = new ResizeObserver(() => chart.resize());
  observer.observe(box);
  return {
    draw: (option) => chart.setOption(option, { notMerge: true }),
    end: () => {
      observer.disconnect();
      chart.dispose();
    },
  };
}
