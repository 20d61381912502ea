;; The product of two matrices, four numbers at a time: out (rows x columns) = a (rows x inner) * b (inner x columns).
;; All lie line by line in one memory, as 32-bit floats; a, b and out are addresses in bytes.
;; rows is a multiple of 4 and columns one of 8: a tile of 4 x 8 sums stays in eight registers of four floats each.
;; multiply.wasm is this text as bytes: python tools/assemble_kernel.py
(module
  (import "js" "memory" (memory 1))
  (func (export "multiply")
    (param $a i32) (param $b i32) (param $out i32) (param $rows i32) (param $columns i32) (param $inner i32)
    (local $row i32) (local $column i32) (local $k i32) (local $p i32) (local $q i32)
    (local $a_line i32) (local $line i32)
    (local $left v128) (local $right v128) (local $w v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (local $r0 v128) (local $r1 v128) (local $r2 v128) (local $r3 v128)
    (local.set $a_line (i32.shl (local.get $inner) (i32.const 2)))
    (local.set $line (i32.shl (local.get $columns) (i32.const 2)))
    (loop $tiles_down
      (local.set $column (i32.const 0))
      (loop $tiles_across
        ;; eight sums of four, all zero
        (local.set $l0 (f32x4.splat (f32.const 0))) (local.set $r0 (f32x4.splat (f32.const 0)))
        (local.set $l1 (f32x4.splat (f32.const 0))) (local.set $r1 (f32x4.splat (f32.const 0)))
        (local.set $l2 (f32x4.splat (f32.const 0))) (local.set $r2 (f32x4.splat (f32.const 0)))
        (local.set $l3 (f32x4.splat (f32.const 0))) (local.set $r3 (f32x4.splat (f32.const 0)))
        (local.set $p (i32.add (local.get $a) (i32.mul (local.get $row) (local.get $a_line))))
        (local.set $q (i32.add (local.get $b) (i32.shl (local.get $column) (i32.const 2))))
        (local.set $k (local.get $inner))
        (loop $along
          ;; eight numbers of a line of b, and one number of each of four lines of a
          (local.set $left (v128.load (local.get $q)))
          (local.set $right (v128.load offset=16 (local.get $q)))
          (local.set $w (v128.load32_splat (local.get $p)))
          (local.set $l0 (f32x4.add (local.get $l0) (f32x4.mul (local.get $w) (local.get $left))))
          (local.set $r0 (f32x4.add (local.get $r0) (f32x4.mul (local.get $w) (local.get $right))))
          (local.set $w (v128.load32_splat (i32.add (local.get $p) (local.get $a_line))))
          (local.set $l1 (f32x4.add (local.get $l1) (f32x4.mul (local.get $w) (local.get $left))))
          (local.set $r1 (f32x4.add (local.get $r1) (f32x4.mul (local.get $w) (local.get $right))))
          (local.set $w (v128.load32_splat (i32.add (local.get $p) (i32.shl (local.get $a_line) (i32.const 1)))))
          (local.set $l2 (f32x4.add (local.get $l2) (f32x4.mul (local.get $w) (local.get $left))))
          (local.set $r2 (f32x4.add (local.get $r2) (f32x4.mul (local.get $w) (local.get $right))))
          (local.set $w (v128.load32_splat (i32.add (local.get $p) (i32.mul (local.get $a_line) (i32.const 3)))))
          (local.set $l3 (f32x4.add (local.get $l3) (f32x4.mul (local.get $w) (local.get $left))))
          (local.set $r3 (f32x4.add (local.get $r3) (f32x4.mul (local.get $w) (local.get $right))))
          (local.set $p (i32.add (local.get $p) (i32.const 4)))
          (local.set $q (i32.add (local.get $q) (local.get $line)))
          (br_if $along (local.tee $k (i32.sub (local.get $k) (i32.const 1)))))
        ;; the tile goes to its place in out
        (local.set $q (i32.add (local.get $out)
          (i32.add (i32.mul (local.get $row) (local.get $line)) (i32.shl (local.get $column) (i32.const 2)))))
        (v128.store (local.get $q) (local.get $l0)) (v128.store offset=16 (local.get $q) (local.get $r0))
        (local.set $q (i32.add (local.get $q) (local.get $line)))
        (v128.store (local.get $q) (local.get $l1)) (v128.store offset=16 (local.get $q) (local.get $r1))
        (local.set $q (i32.add (local.get $q) (local.get $line)))
        (v128.store (local.get $q) (local.get $l2)) (v128.store offset=16 (local.get $q) (local.get $r2))
        (local.set $q (i32.add (local.get $q) (local.get $line)))
        (v128.store (local.get $q) (local.get $l3)) (v128.store offset=16 (local.get $q) (local.get $r3))
        (local.set $column (i32.add (local.get $column) (i32.const 8)))
        (br_if $tiles_across (i32.lt_u (local.get $column) (local.get $columns))))
      (local.set $row (i32.add (local.get $row) (i32.const 4)))
      (br_if $tiles_down (i32.lt_u (local.get $row) (local.get $rows))))))
