package isobmff

import "math"

// matrix is the part of a transformation matrix that turns and flips:
// a, b, c and d of ISO/IEC 14496-12, 6.2.2, as 16.16 numbers.
type matrix [4]int32

// matrix reads the nine numbers of a matrix. One that is missing or all
// zeros changes nothing.
func (f *fields) matrix() matrix {
	var all [9]int32
	for i := range all {
		all[i] = int32(f.u32())
	}
	m := matrix{all[0], all[1], all[3], all[4]}
	if f.bad || m == (matrix{}) {
		return matrix{1 << 16, 0, 0, 1 << 16}
	}
	return m
}

// then returns the matrix that applies m and after it next.
func (m matrix) then(next matrix) matrix {
	product := func(a, b, c, d int32) int32 {
		return int32((int64(a)*int64(b) + int64(c)*int64(d)) >> 16)
	}
	if next == (matrix{}) {
		return m
	}
	return matrix{
		product(m[0], next[0], m[1], next[2]), product(m[0], next[1], m[1], next[3]),
		product(m[2], next[0], m[3], next[2]), product(m[2], next[1], m[3], next[3]),
	}
}

// rotation tells how far the matrix turns the picture: clockwise degrees, -1
// when they are no multiple of 90.
func (m matrix) rotation() (degrees int, mirrored bool) {
	a, b, c, d := float64(m[0]), float64(m[1]), float64(m[2]), float64(m[3])
	mirrored = a*d-b*c < 0
	if mirrored {
		a, b = -a, -b
	}
	angle := math.Atan2(b, a) * 180 / math.Pi
	quarter := math.Round(angle / 90)
	if math.Abs(angle-quarter*90) > 1 {
		return -1, mirrored
	}
	return (int(quarter)*90 + 360) % 360, mirrored
}
