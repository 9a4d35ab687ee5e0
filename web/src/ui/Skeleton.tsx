import css from "./Skeleton.module.css";

interface Props {
  readonly width: string;
  readonly height: string;
}

/** Stands where words will be; seen only when they take longer than 200 ms. */
export function Skeleton({ width, height }: Props) {
  return <span className={css.skeleton} style={{ width, height }} aria-hidden="true" />;
}
