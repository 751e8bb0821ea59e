// What browsers have and the type checker's own declarations lack.
interface Element {
  checkVisibility(): boolean;
}
