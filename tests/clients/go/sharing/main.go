// SPDX-License-Identifier: PostgreSQL

// A Delta Sharing client for Go, which knows nothing of us: lists what a profile opens, then reads one table as it now
// is. Says what it saw as one object of JSON, and writes the rows as an Arrow stream to a file.
//
//	sharing PROFILE SHARE SCHEMA TABLE FILE
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	sharing "github.com/magpierre/go_delta_sharing_client"
)

type visit struct {
	Shares   []string `json:"shares"`
	Schemas  []string `json:"schemas"`
	InSchema []string `json:"in_schema"`
	Tables   []string `json:"tables"`
	Version  int64    `json:"version"`
	Table    string   `json:"table_id"`
	Columns  []string `json:"columns"`
	Files    int      `json:"files"`
	Rows     int64    `json:"rows"`
}

// Follows the pages of the share's schemas down to their tables, then asks for all of them at once.
func (v *visit) list(context context.Context, client sharing.SharingClient, share string) error {
	shares, _, err := client.ListShares(context, 0, "")
	if err != nil {
		return err
	}
	for _, each := range shares {
		v.Shares = append(v.Shares, each.Name)
		if each.Name != share {
			continue
		}
		schemas, _, err := client.ListSchemas(context, each, 0, "")
		if err != nil {
			return err
		}
		for _, schema := range schemas {
			v.Schemas = append(v.Schemas, schema.Name)
			tables, _, err := client.ListTables(context, schema, 0, "")
			if err != nil {
				return err
			}
			v.InSchema = append(v.InSchema, names(tables)...)
		}
	}
	tables, _, err := client.ListAllTables(context, 0, "")
	v.Tables = names(tables)
	return err
}

func names(tables []sharing.Table) []string {
	found := make([]string, 0, len(tables))
	for _, table := range tables {
		found = append(found, table.Share+"."+table.Schema+"."+table.Name)
	}
	return found
}

func (v *visit) describe(context context.Context, client sharing.SharingClient, table sharing.Table) error {
	version, err := client.GetTableVersion(context, table)
	if err != nil {
		return err
	}
	metadata, err := client.GetTableMetadata(context, table)
	if err != nil {
		return err
	}
	schema, err := metadata.GetSparkSchema()
	if err != nil {
		return err
	}
	v.Version, v.Table = version, metadata.Id
	for _, field := range schema.Fields {
		v.Columns = append(v.Columns, field.Name)
	}
	return nil
}

func (v *visit) read(context context.Context, client sharing.SharingClient, table sharing.Table, path string) error {
	list, err := client.ListFilesInTable(context, table)
	if err != nil {
		return err
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var writer *ipc.Writer
	for _, each := range list.AddFiles {
		rows, err := client.ReadFileUrlToArrowTable(context, each.Url)
		if err != nil {
			return err
		}
		if writer == nil {
			writer = ipc.NewWriter(file, ipc.WithSchema(rows.Schema()))
		}
		v.Files++
		v.Rows += rows.NumRows()
		if err := write(writer, rows); err != nil {
			return err
		}
	}
	if writer == nil {
		return nil
	}
	return writer.Close()
}

func write(writer *ipc.Writer, rows arrow.Table) error {
	reader := array.NewTableReader(rows, -1)
	defer reader.Release()
	for reader.Next() {
		if err := writer.Write(reader.RecordBatch()); err != nil {
			return err
		}
	}
	return reader.Err()
}

func run(profile, share, schema, name, path string) error {
	context, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client, err := sharing.NewSharingClient(profile)
	if err != nil {
		return err
	}
	table := sharing.Table{Share: share, Schema: schema, Name: name}
	var seen visit
	if err := seen.list(context, client, share); err != nil {
		return err
	}
	if err := seen.describe(context, client, table); err != nil {
		return err
	}
	if err := seen.read(context, client, table, path); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(seen)
}

func main() {
	if len(os.Args) != 6 {
		fmt.Fprintln(os.Stderr, "usage: sharing PROFILE SHARE SCHEMA TABLE FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4], os.Args[5]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
