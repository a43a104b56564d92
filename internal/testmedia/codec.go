package testmedia

// avcSPS writes a sequence parameter set of H.264.
func (v *Video) avcSPS() []byte {
	w := &bits{}
	profile := uint64(100)
	switch {
	case v.Chroma == 3:
		profile = 244
	case v.Chroma == 2:
		profile = 122
	case v.BitDepth > 8:
		profile = 110
	}
	w.u(8, profile).u(8, 0).u(8, 40)
	w.ue(0).ue(v.Chroma)
	if v.Chroma == 3 {
		w.u(1, 0)
	}
	w.ue(v.BitDepth-8).ue(v.BitDepth-8).u(1, 0).u(1, 0)
	w.ue(0).ue(2).ue(4).u(1, 0) // log2_max_frame_num 4, poc type 2
	mbsHigh := (v.Height + 15) / 16
	if v.Interlaced || v.PicStruct != nil {
		mbsHigh = (v.Height + 31) / 32
	}
	w.ue((v.Width+15)/16 - 1).ue(mbsHigh - 1)
	framesOnly := !v.Interlaced && v.PicStruct == nil
	unit := 16
	if w.flag(framesOnly); !framesOnly {
		w.u(1, 0)
		unit = 32
	}
	w.u(1, 1)
	stepX, stepY := 2, 2
	if v.Chroma == 3 {
		stepX = 1
	}
	if v.Chroma >= 2 {
		stepY = 1
	}
	if !framesOnly {
		stepY *= 2
	}
	right, bottom := (16-v.Width%16)%16/stepX, (unit-v.Height%unit)%unit/stepY
	if w.flag(right+bottom > 0); right+bottom > 0 {
		w.ue(0).ue(right).ue(0).ue(bottom)
	}
	vui := v.CodecPAR != [2]int{} || v.PicStruct != nil
	if w.flag(vui); vui {
		w.flag(v.CodecPAR != [2]int{})
		if v.CodecPAR != [2]int{} {
			w.u(8, 255).u(16, uint64(v.CodecPAR[0])).u(16, uint64(v.CodecPAR[1]))
		}
		w.u(4, 0) // no overscan, signal type, chroma location, timing
		w.u(2, 0) // no HRD
		w.flag(v.PicStruct != nil).u(1, 0)
	}
	return append([]byte{0x67}, w.end()...)
}

// hevcSPS writes a sequence parameter set of H.265.
func (v *Video) hevcSPS() []byte {
	w := &bits{}
	w.u(4, 0).u(3, 0).u(1, 1)
	w.u(3, 0).u(5, 1).u(32, 0x60000000)
	w.flag(!v.Interlaced).flag(v.Interlaced).u(1, 0).flag(!v.Interlaced).u(44, 0).u(8, 120)
	w.ue(0).ue(v.Chroma)
	if v.Chroma == 3 {
		w.u(1, 0)
	}
	wide, high := (v.Width+7)/8*8, (v.Height+7)/8*8
	w.ue(wide).ue(high)
	crop := wide != v.Width || high != v.Height
	if w.flag(crop); crop {
		step := 2
		if v.Chroma == 3 {
			step = 1
		}
		w.ue(0).ue((wide - v.Width) / step).ue(0).ue((high - v.Height) / step)
	}
	w.ue(v.BitDepth - 8).ue(v.BitDepth - 8)
	w.ue(4).u(1, 1).ue(4).ue(2).ue(0)
	for range 6 {
		w.ue(0)
	}
	w.u(1, 0).u(2, 0).u(1, 0) // scaling lists, amp and sao, pcm
	w.ue(2)                   // two reference sets, the second told by its difference
	w.ue(1).ue(1).ue(0).u(1, 1).ue(0).u(1, 1)
	w.u(1, 1).u(1, 0).ue(0).u(1, 1).u(1, 1).u(1, 0).u(1, 1)
	w.u(1, 0).u(2, 0)
	vui := v.CodecPAR != [2]int{}
	if w.flag(vui); vui {
		w.u(1, 1).u(8, 255).u(16, uint64(v.CodecPAR[0])).u(16, uint64(v.CodecPAR[1]))
		w.u(6, 0)
		w.u(4, 0)
	}
	w.u(1, 0)
	return append([]byte{33 << 1, 1}, w.end()...)
}

// config writes the box that holds the codec's parameter sets.
func (v *Video) config() []byte {
	switch v.Codec {
	case "avc1":
		return Box("avcC", []byte{1, 100, 0, 40, 0xff, 0xe1}, u16(len(v.avcSPS())), v.avcSPS(), []byte{1}, u16(4), []byte{0x68, 0xee, 0x3c, 0x80})
	case "avc3":
		return Box("avcC", []byte{1, 100, 0, 40, 0xff, 0xe0, 0})
	case "hvc1":
		return Box("hvcC", hvccHead, []byte{1, 33}, u16(1, len(v.hevcSPS())), v.hevcSPS())
	case "hev1":
		return Box("hvcC", hvccHead, []byte{0})
	case "vp09":
		return FullBox("vpcC", 1, 0, []byte{0, 40, byte(v.BitDepth<<4 | v.Chroma%4<<1)}, make([]byte, 5))
	case "av01":
		flags := map[int]byte{0: 0x1c, 1: 0x0c, 2: 0x08, 3: 0}[v.Chroma]
		if v.BitDepth > 8 {
			flags |= 0x40
		}
		return Box("av1C", []byte{0x81, 0x08, flags, 0}, v.av1Header())
	case "mp4v":
		return FullBox("esds", 0, 0, esds(0x20, nil, 0))
	}
	return nil
}

// hvccHead is an HEVC decoder configuration record up to its arrays; lengths
// of NAL units have four bytes.
var hvccHead = append(append([]byte{1, 1, 0x60, 0, 0, 0}, make([]byte, 15)...), 0xff)

// av1Header writes a sequence header as an open bitstream unit.
func (v *Video) av1Header() []byte {
	w := &bits{}
	w.u(3, 0).u(2, 0) // profile, neither still nor reduced
	w.u(1, 0)         // no timing
	w.u(1, 0).u(5, 0) // one operating point
	w.u(12, 0).u(5, 8).u(1, 0)
	w.u(4, 15).u(4, 15).u(16, uint64(v.Width-1)).u(16, uint64(v.Height-1))
	w.u(24, 0)
	return append([]byte{0x0a, byte(len(w.b))}, w.b...)
}

// esds writes the descriptors of an esds box.
func esds(objectType byte, specific []byte, bitrate uint32) []byte {
	var info []byte
	if specific != nil {
		info = append([]byte{5, 0x80, 0x80, 0x80, byte(len(specific))}, specific...)
	}
	config := append([]byte{objectType, 0x15, 0, 0, 0}, u32(bitrate, bitrate)...)
	config = append(config, info...)
	body := append([]byte{0, 1, 0, 4, byte(len(config))}, config...)
	return append([]byte{3, byte(len(body))}, body...)
}

// sample writes the data of frame i.
func (v *Video) sample(i int) []byte {
	sync := v.AllSync || i%v.GOP == 0
	leading := v.leading(i)
	var b []byte
	unit := func(nal []byte) { b = append(append(b, u32(uint32(len(nal)))...), nal...) }
	switch v.Codec {
	case "avc1", "avc3":
		if sync && v.Codec == "avc3" {
			unit(v.avcSPS())
		}
		if sync && v.PicStruct != nil {
			unit(append([]byte{6, 1, 1}, byte(*v.PicStruct)<<4, 0x80))
		}
		head := byte(0x41)
		if sync && (i == 0 || !v.OpenGOP) {
			head = 0x65
		}
		w := (&bits{}).ue(0).ue(7).ue(0).u(4, 0)
		if v.Interlaced || v.PicStruct != nil {
			w.flag(v.Interlaced)
		}
		unit(append([]byte{head}, w.u(16, uint64(i)).end()...))
	case "hvc1", "hev1":
		if sync && v.Codec == "hev1" {
			unit(v.hevcSPS())
		}
		kind := byte(1)
		switch {
		case sync && i > 0 && v.OpenGOP:
			kind = 21
		case sync:
			kind = 19
		case leading:
			kind = 9
		}
		unit([]byte{kind << 1, 1, 0x80, byte(i >> 8), byte(i), 0x80})
	default:
		b = append(b, byte(i>>8), byte(i), 0x80)
	}
	return b
}

// leading reports whether frame i is shown before the sync sample in front
// of it.
func (v *Video) leading(i int) bool { return v.OpenGOP && i > 1 && i%v.GOP == 1 }

// shift is how many frames later than it is decoded frame i is shown.
func (v *Video) shift(i int) int {
	switch {
	case !v.OpenGOP:
		return 0
	case v.leading(i):
		return 0
	case i > 0 && i%v.GOP == 0:
		return 2
	}
	return 1
}
