SELECT regexp_extract(coalesce(sequence_key, file_path), '[^/]*/[^/]*$') AS sequence,
       count(*) AS files,
       min(frame_number) AS first_frame,
       max(frame_number) AS last_frame,
       count(*) FILTER (WHERE status <> 'ok') AS not_ok,
       max(multipart_count) AS parts,
       max(channel_count) AS channels,
       sum(size_bytes) AS bytes
FROM files
GROUP BY coalesce(sequence_key, file_path)
ORDER BY bytes DESC
